"""``moments.arrow``, from which a search over many films need not read their timelines."""

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from jobs.results.intervals import Intervals
from jobs.results.tables import facts_in
from jobs.store.table_files import MARK, mark_of
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.schema import LABELS


def read_moments(folder: MovieFolder) -> Intervals | None:
    """Return the moments of a film as measured, ``unsure`` included.

    Returns:
        None where there is no file of them, or one that is damaged, of another version, or of another timeline than the
        one in the folder: whoever asks then makes them of the timeline, which says what is wrong.
    """
    try:
        table = _read(folder)
        if table is None:
            return None
        table.validate(full=True)
        label = table["label"].chunk(0) if table["label"].num_chunks else _NOTHING
        place = np.array([LABELS.index(name) for name in label.dictionary.to_pylist()], np.int8)
    except (OSError, ValueError, pa.ArrowException):
        return None
    return Intervals(
        track=table["track"].to_numpy(),
        first_frame=table["first_frame"].to_numpy(),
        last_frame=table["last_frame"].to_numpy(),
        emotion=place[label.indices.to_numpy()],
        start=table["start"].to_numpy(),
        end=table["end"].to_numpy(),
        mean=table["confidence_mean"].to_numpy(),
        most=table["confidence_max"].to_numpy(),
    )


_NOTHING = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))


def _read(folder: MovieFolder) -> pa.Table | None:
    mark = mark_of(folder.timeline)
    found = ipc.open_file(pa.py_buffer(folder.moments.read_bytes()))
    fits = (found.schema.metadata or {}).get(MARK) == mark and found.schema.equals(schema.MOMENTS)
    return found.read_all() if fits and facts_in(found.schema).get("schema_version") == schema.VERSION else None
