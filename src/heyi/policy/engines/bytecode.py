"""The contract bytecode of a rulebook: compiled by `heyi rules build`, run in process by an EVM.

Deciding never compiles: `Bytecode` holds what the compiler gave, `BytecodeEngine` deploys and calls
it. The compiler is in the extra `rules`. Running needs pyrevm, which has no wheel for some
platforms, such as Linux on ARM: there `is_available` is false, and the interpreter takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from heyi.model.errors import InvalidInput, VerificationError
from heyi.policy.engines.interpret import Reading
from heyi.policy.engines.packed import words_of
from heyi.policy.engines.to_python import ANSWERS, Masks, values_of
from heyi.policy.language import ir

if TYPE_CHECKING:
    from pyrevm import EVM

CHAIN_LIMIT = 24_576
"""Bytes of deployed code that a chain accepts (EIP-170)."""
_SIZES = (128, 64, 32, 16, 8)
"""Rules in a part, tried in this order. They divide 256: no part has its masks in two words."""
_CALLER = "0x" + "00" * 19 + "01"
_DEPLOY_GAS, _CALL_GAS = 1 << 28, 1 << 24
"""Bounds for bytecode that somebody else compiled: a loop without end stops within a second."""
_CALLS = 64
"""Calls between two clearings of the machine's journal. Clearing takes longer after more calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytecode:
    """Creation code in hexadecimal.

    `merged` is empty where the rules do not fit one contract. Each part holds `part_size` rules.
    The dispatcher's constructor takes the addresses of the parts, one word each.
    """

    compiler: str
    evm_version: str
    selector: str
    merged: str
    part_size: int
    part_selector: str
    parts: tuple[str, ...]
    dispatcher: str


def compile_contracts(book: ir.Rulebook) -> Bytecode:
    """Compile the merged contract, and parts that each fit on a chain.

    Raises:
        InvalidInput: the compiler is not installed, or one rule alone is too large for a chain.
    """
    if not book.rules:
        raise InvalidInput("there is no rule to compile")
    if not is_available():
        raise InvalidInput(
            "building needs pyrevm, which measures contracts",
            hint="build on a platform that has a wheel of it, such as Linux on x86-64",
        )
    from heyi.policy.engines import to_vyper  # whoever runs bytecode writes none

    whole = _merged(book)
    for size in _sizes(book, whole):
        compiled = [_compile(source, "part") for source in to_vyper.parts(book, size)]
        if all(deployed_size(code) < CHAIN_LIMIT for code, _ in compiled):
            break
    else:
        raise InvalidInput(
            f"{_SIZES[-1]} rules together exceed the {CHAIN_LIMIT:,} bytes that a chain accepts"
        )
    behind, selector = _compile(to_vyper.dispatcher(book, size), "decide")
    return Bytecode(
        compiler=f"vyper {to_vyper.VERSION}",
        evm_version=to_vyper.EVM_VERSION,
        selector=selector,
        merged=whole,
        part_size=size,
        part_selector=compiled[0][1] if compiled else "",
        parts=tuple(code for code, _ in compiled),
        dispatcher=behind,
    )


def _sizes(book: ir.Rulebook, whole: str) -> tuple[int, ...]:
    """Sizes of parts to try, without those whose parts would be far beyond a chain's limit.

    A rule takes about as many bytes in a part as in the merged contract, which was compiled before.
    """
    bytes_a_rule = len(whole) / 2 / len(book.rules)
    return tuple(s for s in _SIZES if s * bytes_a_rule < 1.4 * CHAIN_LIMIT or s == _SIZES[-1])


def _merged(book: ir.Rulebook) -> str:
    """Creation code of the one contract; empty where rules do not fit, as jumps have two bytes."""
    from heyi.policy.engines.to_vyper import MERGED, merged

    if len(book.rules) > MERGED:
        return ""
    try:
        return _compile(merged(book), "decide")[0]
    except AssertionError:  # how the compiler tells that code is beyond 64 KiB
        return ""


@lru_cache(maxsize=16)
def _compile(source: str, function: str) -> tuple[str, str]:
    """Creation code and selector. The compiler takes seconds; the same source gives the same code.

    Raises:
        InvalidInput: the compiler is not installed.
    """
    try:
        from vyper.compiler import compile_code  # heavy, and of the extra `rules`
    except ImportError:
        raise InvalidInput(
            "building needs the Vyper compiler", hint="pip install 'heyi[rules]'"
        ) from None
    output = compile_code(source, output_formats=["bytecode", "method_identifiers"])
    ((_, selector),) = (
        (k, v) for k, v in output["method_identifiers"].items() if k.startswith(f"{function}(")
    )
    return output["bytecode"].removeprefix("0x"), selector.removeprefix("0x").zfill(8)


def deployed_size(creation: str) -> int:
    """Bytes of the deployed contract; the creation code of a dispatcher needs its addresses."""
    evm = _machine()
    return len(evm.get_code(evm.deploy(_CALLER, bytes.fromhex(creation))) or b"")


def is_available() -> bool:
    """Whether bytecode can be run here."""
    return find_spec("pyrevm") is not None


def _machine() -> EVM:
    from pyrevm import EVM, CfgEnv, Env  # absent on platforms without a wheel

    return EVM(env=Env(cfg=CfgEnv(limit_contract_code_size=1 << 24)))


class BytecodeEngine:
    """The contract in an embedded EVM. One engine serves one thread."""

    def __init__(self, book: ir.Rulebook, code: Bytecode, *, on_chain: bool = False) -> None:
        """With `on_chain` the parts behind their dispatcher are called, not the merged contract.

        Raises:
            VerificationError: the bytecode is none that can be deployed.
        """
        self._evm = _machine()
        self._packer = values_of(book)
        self._words = words_of(len(book.rules))
        self._rules = len(book.rules)
        self._length = 32 * (3 * self._words + 1)
        creation = [code.merged]
        try:
            self._selector = bytes.fromhex(code.selector)
            if on_chain or not code.merged:
                # a build of somebody else could make the machine deploy parts without end
                if code.part_size < 1 or len(code.parts) != -(-len(book.rules) // code.part_size):
                    raise ValueError(f"{len(code.parts)} parts of {code.part_size} rules")
                addresses = [self._deploy(part) for part in code.parts]
                words = (a.removeprefix("0x").rjust(64, "0") for a in addresses)
                creation = [code.dispatcher, *words]
            self._contract = self._deploy("".join(creation))
        except (RuntimeError, ValueError) as e:
            raise VerificationError(
                f"the contract cannot be deployed: {e}",
                hint="build it anew with `heyi rules build`",
            ) from None
        self._start = self._evm.snapshot()
        self._calls = 0

    def _deploy(self, creation: str) -> str:
        return self._evm.deploy(_CALLER, bytes.fromhex(creation), gas=_DEPLOY_GAS)

    def call(self, values: tuple[Any, ...]) -> bytes:
        """The contract's answer to values in the order of `values_of` the rulebook.

        It holds the masks fired, undetermined and met, each as wide as `words_of` the rules, then
        one word with the tracks and the severity.

        Raises:
            VerificationError: the contract refuses the packed facts, which `admit` did not check.
        """
        self._calls += 1
        if self._calls == _CALLS:  # the machine keeps a journal of calls
            self._evm.revert(self._start)
            self._start = self._evm.snapshot()
            self._calls = 0
        words = self._selector + self._packer.pack_values(values)
        try:
            answer = bytes(
                self._evm.message_call(
                    _CALLER, self._contract, calldata=words, gas=_CALL_GAS, is_static=True
                )
            )
        except RuntimeError as e:
            raise VerificationError(f"the contract refused the packed facts: {e}") from None
        if len(answer) != self._length:  # no answer must not pass for all zero, which is a permit
            raise VerificationError(
                f"the contract answered {len(answer)} bytes instead of {self._length}"
            )
        return answer

    def agrees(self, answer: bytes, masks: Masks) -> bool:
        """Whether an answer says what another reading's masks say."""
        fired, undetermined, met, tracks, severity = masks
        wide = 256 * self._words
        expected = (((fired << wide | undetermined) << wide | met) << 256) | tracks << 8 | severity
        return int.from_bytes(answer, "big") == expected

    def read(self, known: ir.Known) -> Reading:
        """Judge the facts by the whole rulebook."""
        return self.reading(self.call(self._packer.values(known)))

    def reading(self, answer: bytes) -> Reading:
        width = 32 * self._words
        fired, undetermined, met = (
            int.from_bytes(answer[i * width : (i + 1) * width], "big") for i in range(3)
        )
        tail = int.from_bytes(answer[3 * width :], "big")
        if tail & 0xFF >= len(ANSWERS) or max(fired, undetermined, met) >> self._rules:
            raise VerificationError("the contract answered something that no rulebook can mean")
        outcome, curable = ANSWERS[tail & 0xFF]
        return Reading(fired, undetermined, met, tail >> 8, outcome, curable)

    def gas(self, known: ir.Known) -> int:
        """Gas of one decision as a transaction uses it, with its base cost and its calldata."""
        self.call(self._packer.values(known))
        result = self._evm.result
        assert result is not None
        return int(result.gas_used)

    @property
    def size(self) -> int:
        """Bytes of the contract that is called, as deployed."""
        return len(self._evm.get_code(self._contract) or b"")
