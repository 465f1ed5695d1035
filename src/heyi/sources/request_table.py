"""Read very many requests from a Parquet file, with one column per fact.

This needs the extra `parquet`. A null is an unknown fact, and a fact without a column is unknown in
all rows. Bools are booleans, numbers are integers, enums are strings, sets are lists of strings,
and days are dates. Nothing is guessed: a column without a fact and a value outside its type are
refused.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np

from heyi.model.errors import InvalidInput
from heyi.policy.engines.to_columns import DTYPES, UNKNOWN, Column, EncodedColumns
from heyi.policy.language.schema import LEGAL_DAY, FactSpec, FactType, Schema
from heyi.sources.data_folder import check_regular

# Arrow counts days from 1970-01-01, facts use the ordinal of Python.
EPOCH = dt.date(1970, 1, 1).toordinal()


def read_requests(path: Path, schema: Schema, *, day: dt.date | None) -> EncodedColumns:
    """The facts of every row; `day` is the legal day of all rows if the file has no such column.

    Raises:
        InvalidInput: the file cannot be read, a column is no fact, or a value is outside its type;
            the error names the first one.
    """
    parquet = _arrow("pyarrow.parquet")
    try:
        check_regular(path)  # pyarrow would read a whole folder as one table
        table = parquet.read_table(path)
    except (OSError, ValueError) as e:  # pyarrow's errors are ValueErrors
        raise InvalidInput(
            f"cannot read `{path}`: {e}", hint="requests are a Parquet file, a column a fact"
        ) from None
    return encode_table(table, schema, day=day)


def encode_table(table: Any, schema: Schema, *, day: dt.date | None) -> EncodedColumns:
    """The facts in an Arrow table.

    Raises:
        InvalidInput: as for `read_requests`.
    """
    facts: dict[str, Column] = {}
    for name in table.column_names:
        if name in facts:
            raise InvalidInput(f"there are two columns `{name}`")
        spec = schema.spec(name)
        if spec.derived:
            raise InvalidInput(
                f"`{name}` is derived", hint=f"give the columns it is made of: {spec.derived}"
            )
        try:
            facts[name] = _encode(spec, table.column(name).combine_chunks())
        except ValueError as e:  # a number beyond 64 bits
            raise InvalidInput(f"column `{name}`: {e}") from None
    if LEGAL_DAY not in facts:
        if day is None:
            raise InvalidInput(
                f"there is no column `{LEGAL_DAY}`", hint="give the legal day of all rows with --at"
            )
        facts[LEGAL_DAY] = np.full(table.num_rows, day.toordinal(), DTYPES[FactType.DATE])
    elif table.num_rows and facts[LEGAL_DAY].min() == UNKNOWN:
        raise InvalidInput(f"`{LEGAL_DAY}` is null in row {int(np.argmin(facts[LEGAL_DAY]))}")
    return EncodedColumns(table.num_rows, facts)


def write_answers(path: Path, outcomes: list[str], severity: Column, curable: Column) -> None:
    """Write a Parquet file with the outcome of each row, and whether a no can be cured.

    `severity` holds indices into `outcomes`.

    Raises:
        InvalidInput: the file cannot be written.
    """
    pa, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    outcome = pa.DictionaryArray.from_arrays(pa.array(severity, pa.int8()), pa.array(outcomes))
    try:
        parquet.write_table(pa.table({"outcome": outcome, "curable": pa.array(curable)}), path)
    except OSError as e:
        raise InvalidInput(f"cannot write `{path}`: {e.strerror or e}") from None


def _arrow(module: str) -> Any:
    """A module of pyarrow, which is imported only if it is used."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise InvalidInput(
            "reading Parquet needs pyarrow", hint="pip install 'heyi[parquet]'"
        ) from None


def _encode(spec: FactSpec, array: Any) -> Column:
    """The codes of a column of one fact, `UNKNOWN` for a null."""
    pa, pc = _arrow("pyarrow"), _arrow("pyarrow.compute")
    kind = array.type
    match spec.type:
        case FactType.BOOL if pa.types.is_boolean(kind):
            return _filled(pc.cast(array, pa.int8()))
        case FactType.INT if pa.types.is_integer(kind):
            return _within(
                spec, array, _filled(pc.cast(array, pa.int64())), spec.minimum, spec.maximum
            )
        case FactType.DATE if pa.types.is_date32(kind):
            days = pc.cast(pc.cast(array, pa.int32()), pa.int64())
            return _within(spec, array, _filled(pc.add(days, EPOCH)), 1, dt.date.max.toordinal())
        case FactType.ENUM if _is_text(kind):
            return _members(spec, array, np.int16, lambda i: i)
        case FactType.SET if pa.types.is_list(kind) and _is_text(kind.value_type):
            bits = _members(spec, array.flatten(), np.int64, lambda i: 1 << i)
            return _joined(array, bits)
    raise InvalidInput(f"column `{spec.id}` holds {kind}, but the fact is a {spec.type.value}")


def _within(spec: FactSpec, array: Any, column: Column, low: int, high: int) -> Column:
    """The column, if all its values except nulls are from `low` to `high`."""
    wrong = np.flatnonzero(((column < low) | (column > high)) & _valid(array))
    if wrong.size:
        row, number = int(wrong[0]), int(column[wrong[0]])
        _refuse(spec, row, number)
        raise InvalidInput(f"row {row}: `{spec.id}` is no day of the calendar")
    return column


def _is_text(kind: Any) -> bool:
    types = _arrow("pyarrow").types
    return bool(types.is_string(kind.value_type if types.is_dictionary(kind) else kind))


def _filled(array: Any) -> Column:
    column: Column = array.fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
    return column


def _valid(array: Any) -> Column:
    valid: Column = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _members(spec: FactSpec, array: Any, dtype: Any, code: Any) -> Column:
    """The codes of strings; each different string is looked up once."""
    # Arrow keeps the different strings in a dictionary, and in each row an index into it.
    encoded = array if hasattr(array, "indices") else array.dictionary_encode()
    places = {value: code(i) for i, value in enumerate(spec.values)}
    words = encoded.dictionary.to_pylist()
    indices = _filled(encoded.indices.cast("int64"))
    used = set(np.unique(indices).tolist())
    for i, word in enumerate(words):
        if i in used and word not in places:
            # This raises, and the error names the nearest word.
            spec.check(word if spec.type is FactType.ENUM else [word])
    # A null has index UNKNOWN, which is -1: it takes the last code, which is UNKNOWN too.
    codes = np.array([*(places.get(word, UNKNOWN) for word in words), UNKNOWN], dtype)
    return codes[indices]


def _joined(array: Any, bits: Column) -> Column:
    """One bit mask for each list; an empty list is an empty set, a null is unknown."""
    # Example: lists [[a, b], [], [c]] have lengths [2, 0, 1] and bits [1, 2, 4]. The bits go to the
    # rows [0, 0, 2], and the masks are [3, 0, 4].
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    masks = np.zeros(len(array), np.int64)
    np.bitwise_or.at(masks, np.repeat(np.arange(len(array)), lengths), bits)
    masks[~_valid(array)] = UNKNOWN
    return masks


def _refuse(spec: FactSpec, row: int, value: object) -> None:
    """Raise the schema's own error for this value, with the row; return if it has none."""
    try:
        spec.check(value)
    except InvalidInput as e:
        raise InvalidInput(f"row {row}: {e.message}", hint=e.hint) from None
