"""Sets of faces to measure on, recognized by their columns."""

import cv2
import numpy as np
import pytest
from labelled import faces, pictures, write_learnable_npz

from models.data import read_for_evaluation
from models.data.dataset import Dataset
from models.data.face_set import FaceSet, face_set_of, is_face_set, read_face_set
from models.emotions import EMOTIONS, emotion_of
from models.errors import DatasetError

NAMES = [*EMOTIONS, "unclear", "noface"]


def write(path, **columns):
    np.savez(path, **columns)
    return path


def as_jpegs(crops):
    files = [cv2.imencode(".jpg", crop)[1].ravel() for crop in crops]
    return {"jpg": np.concatenate(files), "offset": np.cumsum([0, *map(len, files)])}


def test_columns_say_what_a_file_is(tmp_path):
    ours = write(tmp_path / "any name.npz", crops=pictures(2))
    assert isinstance(read_for_evaluation(ours), FaceSet)
    assert isinstance(read_for_evaluation(write_learnable_npz(tmp_path / "fer.npz")), Dataset)
    assert not is_face_set(tmp_path / "gone.npz")
    (tmp_path / "text.npz").write_text("no zip")
    assert not is_face_set(tmp_path / "text.npz")


def test_pictures_alone_are_enough(tmp_path):
    found = read_face_set(write(tmp_path / "set.npz", crops=pictures(3)))
    assert found.votes.shape == (3, 0)
    assert found.shares().tolist() == np.zeros((3, 9)).tolist()
    assert found.labels.tolist() == [-1] * 3
    assert found.strata == {}
    assert found.notes == ()


def test_no_face_at_all(tmp_path):
    found = read_face_set(write(tmp_path / "set.npz", crops=pictures(0), kind=np.zeros(0, "U4")))
    assert len(found) == 0


def test_votes_of_any_number_of_people_under_any_known_name(tmp_path):
    names = np.array(["happiness", "contempt", "unknown", "NF", "Fear"])
    votes = np.array([[3, 1, 0, 0, 0], [0, 0, 0, 7, 0], [0, 0, 0, 0, 0], [0, 0, 0.5, 0, 0.5]])
    found = read_face_set(write(tmp_path / "set.npz", crops=pictures(4), votes=votes, names=names))
    shares = found.shares()
    assert shares[0, EMOTIONS.index("happy")] == 0.75
    assert shares[0].sum() == 0.75
    assert shares[1, 8] == 1
    assert shares[2].sum() == 0
    assert shares[3, [EMOTIONS.index("fear"), 7]].tolist() == [0.5, 0.5]
    assert "votes for contempt count as votes for none of the seven" in found.notes
    assert "nobody could vote for angry, disgust, sad, surprise, neutral" in found.notes
    assert "1 faces have no votes" in found.notes


def test_unknown_labels_are_left_out_and_counted(tmp_path):
    found = read_face_set(write(tmp_path / "set.npz", crops=pictures(5), label=np.array([3, -1, 7, 7, 0], np.int8)))
    assert found.labels.tolist() == [3, -1, -1, -1, 0]
    assert "labels other than 0 to 6 are left out: 1 with -1, 2 with 7" in found.notes


def test_strata_are_words_and_classes_of_numbers(tmp_path):
    columns = {
        "kind": np.array(["film", "tv", "film"]),
        "size": np.array([12.0, 24.0, 900.0], np.float32),
        "race": np.array([0, 1, 1], np.int8),
        "gender": np.array([1, 1, 0], np.int8),
        "clip": np.array([7, 7, 9]),
    }
    found = read_face_set(write(tmp_path / "set.npz", crops=pictures(3), **columns))
    assert found.strata["kind"].tolist() == ["film", "tv", "film"]
    assert found.strata["size"].tolist() == ["0 to 24 px", "24 to 40 px", "160 px or more"]
    assert found.strata["race and gender"].tolist() == ["race 0, gender 1", "race 1, gender 1", "race 1, gender 0"]
    assert found.clustered_by == "clip"
    assert found.cluster.tolist() == [0, 0, 1]


def test_jpegs_are_cut_as_a_run_cuts_crops(tmp_path):
    picture = np.zeros((1, 96, 96), np.uint8)
    picture[:, 24:72, 24:72] = 200  # the face's box is half as wide as the picture
    path = write(tmp_path / "set.npz", **as_jpegs(picture))
    whole, cut = read_face_set(path), read_face_set(path, side=2.2)
    assert abs(float((whole.crops > 100).mean()) - 0.25) < 0.02
    assert (cut.crops > 100).all()
    assert "--side" in whole.notes[0]
    assert cut.notes == ()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"crops": np.zeros((2, 48, 48))}, "expected uint8 crops"),
        ({"jpg": np.zeros(9, np.uint8)}, "expected crops, or jpg and offset"),
        ({"jpg": np.zeros(9, np.uint8), "offset": np.array([0, 9])}, "expected a JPEG in row 0"),
        ({"crops": pictures(2), "kind": np.array(["film"])}, "expected 2 rows of kind"),
        ({"crops": pictures(2), "votes": np.ones((2, 3))}, "expected a name for each column"),
        ({"crops": pictures(1), "votes": -np.ones((1, 1)), "names": np.array(["sad"])}, "expected votes of 0 or more"),
        ({"crops": pictures(1), "kind": np.array([{}], object)}, "expected an npz of faces"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, columns, words):
    with pytest.raises(DatasetError, match=words):
        read_face_set(write(tmp_path / "set.npz", **columns))


def test_rows_of_fer2013_without_votes_are_left_out():
    ours = faces(4)
    ours.votes[1, 3] = 1
    found = face_set_of("public-votes", ours)
    assert len(found) == 1
    assert found.notes == ("3 of 4 left out: without votes",)
    assert len(face_set_of("public-votes", faces(4))) == 0


def test_words_of_others_for_emotions():
    assert emotion_of(" Happiness ") == "happy"
    assert emotion_of("neutral") == "neutral"
    assert emotion_of("contempt") is None
