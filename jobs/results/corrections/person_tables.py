"""The tables of persons, made anew from a corrected timeline with the functions that made them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.results.corrections.film import Film
from pipeline import schema
from pipeline.tables.people import PersonRows, people_table, relative_table, scene_people_table
from pipeline.tables.times import Frames


@dataclass(frozen=True)
class PersonTables:
    """The tables ``people``, ``scene_people`` and ``relative``, as in outputs/README.md."""

    people: pa.Table
    scene_people: pa.Table
    relative: pa.Table


def make_person_tables(timeline: pa.Table) -> PersonTables:
    """Return the tables of who is seen in a timeline; they have no rows where nobody is told apart.

    Persons keep their numbers, so those who were merged into others leave gaps.
    """
    film = Film(timeline)
    persons = np.full(int(film.rows.track.max(initial=-1)) + 1, -1, np.int32) if film.persons is None else film.persons
    numbers, place = np.unique(persons[persons >= 0], return_inverse=True)
    places = np.full(len(persons), -1, np.int32)
    places[persons >= 0] = place  # the functions below count persons without gaps
    times = Frames(film.pts, film.time, film.seconds, film.shot, film.scene)
    seen = PersonRows.of(places, film.rows, film.looks, film.area)
    name = timeline["movie"][0].as_py() if len(timeline) else ""
    made = []
    for make, layout in (
        (people_table, schema.PEOPLE),
        (scene_people_table, schema.SCENE_PEOPLE),
        (relative_table, schema.RELATIVE),
    ):
        table = make(name, times, seen)
        person = pc.take(pa.array(numbers, pa.int32()), table["person"])
        table = table.set_column(table.schema.get_field_index("person"), "person", person)
        made.append(table.select(layout.names).cast(layout).replace_schema_metadata(timeline.schema.metadata))
    return PersonTables(*made)
