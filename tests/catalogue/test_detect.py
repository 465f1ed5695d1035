"""Detection by checksum, heading, form and distribution."""

import pytest

from heyi.catalogue.checksums import is_bank_card, is_social_credit_code, resident_id
from heyi.catalogue.detect import detect
from heyi.model.asset import Identifier

GOOD_ID = "990101200001010014"
BAD_ID = "990101200001010015"


@pytest.mark.parametrize(
    ("number", "valid"),
    [("11010519491231002X", True), ("11010519491231002x", True), ("440524188001010014", True),
     (GOOD_ID, True), ("110101200002290018", True), ("１１０１０５１９４９１２３１００２Ｘ", True),
     ("110105194912310021", False), ("110101190002290011", False), (BAD_ID, False), ("", False),
     ("张三", False)],
)  # fmt: skip
def test_resident_id(number: str, valid: bool) -> None:
    assert (resident_id(number) is not None) is valid


def test_other_checksums() -> None:
    assert is_social_credit_code("91350100M000100Y43")
    assert not is_social_credit_code("91350100M000100Y44")
    assert is_bank_card("6222020200000000006")
    assert not is_bank_card("6222020200000000007")


@pytest.mark.parametrize(
    ("heading", "values", "expected"),
    [
        ("c1", [GOOD_ID] * 6 + [BAD_ID] * 4, "resident_id"),
        ("性别", [GOOD_ID] * 10, "resident_id"),  # a checksum outranks a heading
        ("c2", ["91350100M000100Y43"], "institution"),
        ("c3", ["6222020200000000006"], "bank_card"),
        ("备注", ["13812345678", "13912345678"], "phone"),  # contact data, harmless heading
        ("收缩压", ["a@b.cn", "c@d.com"], "email"),
        ("c4", ["男", "女", "", "男"], "sex"),
        ("c5", ["2024-01-02", "2024/1/2"], "event_date"),
        ("c6", ["I10.x00x002", "U07.1", "E11.900"], "diagnosis_code"),
        ("c7", ["U07.1", "U07.1"], "diagnosis_code"),  # chapter U is easily forgotten
        ("c8", ["rs12345", "rs67890"], "gene"),
        ("c9", ["王小明", "李华", "张建国"], "name"),
        ("c10", ["三天前无诱因胸闷气短，活动后加重，休息后可缓解，今来我院就诊"], "free_text"),
        ("c11", ["浙江省杭州市西湖区文三路1号", "江苏省南京市玄武区中山路22号"], "address"),
        ("ca", ["2.31", "2.25", "2.40"], "unknown"),  # calcium, or vessels in the heart study
        ("收缩压(kg)", ["120", "130"], "unknown"),
        ("空列", ["", ""], "unknown"),
        ("LDL-C", ["", ""], "ldl"),
    ],
)  # fmt: skip
def test_detect(heading: str, values: list[str], expected: str) -> None:
    assert detect(heading, values).kind == expected


def test_below_sixty_percent_a_checksum_decides_nothing() -> None:
    assert detect("性别", ["男"] * 6 + [GOOD_ID] * 4).kind == "sex"


def test_an_unrecognised_column_of_unique_values_may_be_a_direct_identifier() -> None:
    assert detect("q", [f"k-{i}" for i in range(50)]).identifier is Identifier.DIRECT
    assert detect("q", ["k-1", "k-2"] * 25).identifier is Identifier.QUASI


def test_reasons_never_quote_a_value() -> None:
    for values in ([GOOD_ID], ["13812345678"], ["王小明", "李华"], ["k-77"]):
        reason = detect("q", values).reason
        assert reason.zh and reason.en
        assert not any(v in reason.zh + reason.en for v in values)


@pytest.mark.parametrize("held", ["990101200001010014", "电话13912345678", "a.b@example.org"])
def test_a_harmless_heading_does_not_hide_a_person(held: str) -> None:
    """One value in three thousand gives the column the highest level, at any place."""
    values = ["安和县人民医院"] * 2_999 + [held]
    found = detect("机构名称", values)
    assert (found.kind, found.identifier) == ("unknown", Identifier.DIRECT)
    assert detect("机构名称", values[:-1]).kind == "institution"
