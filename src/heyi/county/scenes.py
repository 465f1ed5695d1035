"""The scenes: scripted requests that the real engine answers; no answer is prepared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heyi.county.founding import DemoConsortium, records_of
from heyi.county.places import PLACES
from heyi.crypto.canonical import Json
from heyi.exchange.consortium import PLATFORM, Consortium
from heyi.exchange.request.apply import advise, decide, present, supply
from heyi.federation.wire.operation import Operation
from heyi.model.decision import Decision
from heyi.model.fact import Value
from heyi.model.request import Request
from heyi.policy.language.profiles import expand_profiles

TOWNSHIPS = tuple(p.id for p in PLACES if p.id.startswith("township"))
VILLAGES = tuple(p.id for p in PLACES if p.id.startswith("village"))
STUDY_SITES = ("county-hospital", "tcm-hospital", *TOWNSHIPS)

CARE_KINDS = (
    "name",
    "resident_id",
    "birth_date",
    "sex",
    "visit_date",
    "sbp",
    "dbp",
    "diagnosis_code",
    "free_text",
)
RECORD_KINDS = ("name", "resident_id", "birth_date", "sex", "visit_date", "sbp", "dbp", "diabetes")
STUDY_KINDS = ("age", "sex", "sbp", "smoking", "diabetes", "stroke")

REGRESSION = Operation(
    name="logistic",
    params={
        "outcome": {"kind": "stroke", "above_micro": 0},
        "covariates": [
            {"kind": "age", "center_micro": 60_000_000, "scale_micro": 10_000_000},
            {"kind": "sex", "center_micro": 0, "scale_micro": 1_000_000},
            {"kind": "sbp", "center_micro": 130_000_000, "scale_micro": 10_000_000},
            {"kind": "smoking", "center_micro": 0, "scale_micro": 1_000_000},
            {"kind": "diabetes", "center_micro": 0, "scale_micro": 1_000_000},
        ],
        "ridge_micro": 1_000_000,
    },
)
OVERLAP = Operation(name="tokens", params={"complete": list(STUDY_KINDS)})
PRESSURE = Operation(
    name="frequency",
    params={
        "by": [{"kind": "sex"}, {"kind": "age", "cuts": [45, 65]}, {"kind": "sbp", "cuts": [140]}]
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One request of the story.

    It states the declared and registry facts of the profile `like`, changed by `given` and without
    those in `silent`. `assets` are the exports of `sites`, unless they are named.
    """

    id: str
    zh: str
    en: str
    requester: str
    recipient: str
    sites: Sequence[str]
    kinds: Sequence[str]
    like: str
    given: Mapping[str, Value] = field(default_factory=dict)
    silent: Sequence[str] = ()
    operations: Sequence[Operation] = ()
    assets: Sequence[str] = ()

    @property
    def asset_ids(self) -> tuple[str, ...]:
        return tuple(self.assets) or tuple(records_of(s) for s in self.sites)


def play(demo: DemoConsortium, scene: Scene) -> dict[str, Decision]:
    """Submit the request of a scene with the facts of registry and authorities, and decide."""
    present_scene(demo.consortium, scene)
    demo.forward(300)
    return _decided(demo, scene)


def present_scene(consortium: Consortium, scene: Scene) -> None:
    """Submit the request of a scene, and let registry and authorities state their facts."""
    schema = consortium.point.book.schema
    facts = {**expand_profiles([scene.like], consortium.point.book.texts), **scene.given}
    stated = {n: schema.spec(n).check(v) for n, v in facts.items() if n not in scene.silent}
    request = Request(
        id=scene.id,
        zh=scene.zh,
        en=scene.en,
        requester=scene.requester,
        recipient=scene.recipient,
        assets=scene.asset_ids,
        kinds=tuple(scene.kinds),
        action=str(facts["act.action"]),
        purpose=str(facts["act.purpose"]),
        delivery=str(facts["act.delivery"]),
        operations={o.name: o.params for o in scene.operations},
    )
    present(
        consortium,
        request,
        stated,
        by=scene.requester,
        registrar=PLATFORM,
        attester="county-office",
    )


def decide_scene(
    demo: DemoConsortium, scene: Scene, facts: Mapping[str, Value] | None = None
) -> dict[str, Decision]:
    """State missing facts, each with the source that the schema requires, and decide again."""
    consortium = demo.consortium
    for name, value in (facts or {}).items():
        source = consortium.point.book.schema.spec(name).source
        supply(consortium, scene.id, {name: value}, by=PLATFORM, source=source)
    if facts:
        demo.forward(3_600)
    return _decided(demo, scene)


def _decided(demo: DemoConsortium, scene: Scene) -> dict[str, Decision]:
    """The decisions of a scene with their remedies."""
    consortium = demo.consortium
    return advise(consortium, scene.id, decide(consortium, scene.id, by=PLATFORM))


TREATMENT = Scene(
    id="own-patient",
    zh="白云乡卫生院医师查阅自己患者的记录",
    en="a physician at Baiyun reads the record of the own patient",
    requester="baiyun-physician",
    recipient="township-03",
    sites=("township-03",),
    kinds=RECORD_KINDS,
    like="treatment",
)
REFERRAL = Scene(
    id="referral",
    zh="青石镇卫生院向县人民医院转诊",
    en="Qingshi refers a patient to the county hospital",
    requester="township-01",
    recipient="county-hospital",
    sites=("township-01",),
    kinds=RECORD_KINDS,
    like="referral",
)
REFERRAL_WITHOUT_CONSENT = Scene(
    id="referral-without-consent",
    zh="柳河镇转诊，尚无单独同意",
    en="Liuhe refers a patient without separate consent",
    requester="township-02",
    recipient="county-hospital",
    sites=("township-02",),
    kinds=RECORD_KINDS,
    like="referral",
    given={"consent.separate": False},
)
REFERRAL_UNANSWERED = Scene(
    id="referral-unanswered",
    zh="双桥镇转诊，登记处未答复是否撤回同意",
    en="Shuangqiao refers a patient; the registry has not answered about withdrawal",
    requester="township-04",
    recipient="county-hospital",
    sites=("township-04",),
    kinds=RECORD_KINDS,
    like="referral",
    silent=("consent.withdrawn",),
)
FOREIGN_GENES = Scene(
    id="genes-to-foreign-control",
    zh="外资控股实验室申请金湖镇基因数据",
    en="a foreign-controlled laboratory asks for gene data of Jinhu",
    requester="gene-lab",
    recipient="gene-lab",
    sites=("township-12",),
    kinds=("gene", "age", "sex"),
    like="genetic",
    given={"act.action": "provide", "act.delivery": "deidentified", "genetic.reported": False},
)
FOREIGN_COURT = Scene(
    id="foreign-court",
    zh="外国法院要求调取病历",
    en="a foreign court asks for medical records",
    requester="foreign-court",
    recipient="foreign-court",
    sites=("county-hospital",),
    kinds=CARE_KINDS,
    like="export",
    given={"act.purpose": "litigation"},
)
MARKETING = Scene(
    id="marketing-to-children",
    zh="凤山乡拟向儿童家庭推送健康产品",
    en="Fengshan wants to send offers to families of children",
    requester="township-11",
    recipient="township-11",
    sites=("township-11",),
    kinds=("name", "phone", "birth_date", "visit_date"),
    like="marketing",
)
INSURER = Scene(
    id="insurance-claim",
    zh="保险公司理赔调阅病历，缺少法律文书",
    en="an insurer asks for records of a claim without its papers",
    requester="insurer",
    recipient="insurer",
    sites=("county-hospital",),
    kinds=RECORD_KINDS,
    like="insurance-claim",
    given={"evidence.authority_document": False},
)
TRAINING = Scene(
    id="ai-training",
    zh="企业申请在安全领地用去标识化数据训练模型",
    en="a company asks to train a model on de-identified data in an enclave",
    requester="device-maker",
    recipient="device-maker",
    sites=("county-hospital",),
    kinds=STUDY_KINDS,
    like="referral",
    given={
        "act.action": "compute",
        "act.delivery": "enclave",
        "act.purpose": "ai_training",
        "act.min_cell": 5,
        "requester.care": False,
        "pay.commercial": True,
    },
)
STATISTICS = Scene(
    id="village-blood-pressure",
    zh="县卫生健康局统计村卫生室血压控制情况",
    en="the health bureau counts blood pressure control at village clinics",
    requester="health-bureau",
    recipient="health-bureau",
    sites=VILLAGES,
    kinds=("age", "sex", "sbp"),
    like="statistics-aggregate",
    operations=(PRESSURE,),
)
SURVEILLANCE = Scene(
    id="hospital-surveillance",
    zh="县卫生健康局统计两家医院血压，随后撤销许可",
    en="the health bureau counts at two hospitals; the permits are revoked later",
    requester="health-bureau",
    recipient="health-bureau",
    sites=("county-hospital", "tcm-hospital"),
    kinds=("age", "sex", "sbp"),
    like="statistics-aggregate",
    operations=(PRESSURE,),
)
BEDS = Scene(
    id="free-beds",
    zh="公开县人民医院空床数",
    en="free beds of the county hospital are published",
    requester="county-hospital",
    recipient="public",
    sites=("county-hospital",),
    kinds=("institution", "free_beds"),
    like="operations-open",
    assets=("county-hospital-beds",),
)
STUDY = Scene(
    id="stroke-risk",
    zh="县医学研究所联合十四家机构研究卒中风险（联邦计算）",
    en="the research institute studies the risk of stroke with fourteen institutions (federated)",
    requester="medical-college",
    recipient="medical-college",
    sites=STUDY_SITES,
    kinds=STUDY_KINDS,
    like="research-federated",
    operations=(REGRESSION, OVERLAP),
)


def outcomes(decisions: Mapping[str, Decision]) -> dict[str, Json]:
    """The number of assets with each outcome."""
    counts: dict[str, Json] = {}
    for d in decisions.values():
        counts[d.outcome.value] = counts.get(d.outcome.value, 0) + 1
    return counts
