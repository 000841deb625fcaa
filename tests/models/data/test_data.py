"""Data sets as people have them: npz, csv and folders; what cannot be used is counted and named."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from labelled import npz_columns, pictures, pixels, write_csv, write_npz

from models.data import read_dataset
from models.data.describe import count_table, draw_dataset
from models.data.faces import FERPLUS, FERPLUS_OF_EMOTION, in_fold
from models.emotions import EMOTIONS
from models.errors import DatasetError


def lines(path: Path) -> str:
    return "\n".join(read_dataset(path).faults.lines())


class TestNpz:
    def test_splits(self, tmp_path):
        dataset = read_dataset(write_npz(tmp_path / "fer.npz"))
        train, public = dataset.split("train"), dataset.split("public")
        assert train.crops[:, 0, 0].tolist() == [0, 1, 3, 4, 6, 7, 9]
        assert public.crops[:, 0, 0].tolist() == [2, 5, 8]
        assert public.labels.tolist() == [2, 5, 1]
        assert (train.crops.dtype, train.crops.shape) == (np.uint8, (7, 48, 48))
        assert train.labels.dtype == np.int64
        assert not train.votes.any()

    def test_only_clean_leaves_doubtful_rows_out(self, tmp_path):
        clean = read_dataset(write_npz(tmp_path / "fer.npz")).split("train").only_clean()
        assert clean.crops[:, 0, 0].tolist() == [0, 1, 6, 7, 9]
        assert clean.labels.tolist() == [0, 1, 6, 0, 2]
        assert len(clean.only_clean()) == 5

    def test_votes_become_shares_and_uncertain_rows_have_none(self, tmp_path):
        counts = np.zeros((10, len(FERPLUS)), np.uint8)
        counts[:, 0], counts[:, 4] = 6, 2
        path = write_npz(tmp_path / "fer.npz", ferplus_votes=counts, row_uncertain=np.arange(10) == 1)
        votes = read_dataset(path).split("train").votes
        assert votes.dtype == np.float32
        assert votes[0, [0, 4]].tolist() == [0.75, 0.25]
        assert votes[1].tolist() == [0] * len(FERPLUS)

    def test_an_absent_split_is_named(self, tmp_path):
        dataset = read_dataset(write_npz(tmp_path / "fer.npz", usage=np.zeros(10, np.uint8)))
        with pytest.raises(DatasetError, match=r"expected a split 'public', found train"):
            dataset.split("public")
        with pytest.raises(DatasetError, match="expected a split to validate on"):
            dataset.validation()

    @pytest.mark.parametrize("column", npz_columns())
    def test_a_missing_column_is_named(self, tmp_path, column):
        with pytest.raises(DatasetError, match=rf"fer\.npz: expected .*{column}"):
            read_dataset(write_npz(tmp_path / "fer.npz", **{column: None}))

    def test_another_order_of_emotions(self, tmp_path):
        path = write_npz(tmp_path / "fer.npz", label_names=np.array(EMOTIONS[::-1]))
        with pytest.raises(DatasetError, match=r"expected the labels \('angry', .* found \('neutral', "):
            read_dataset(path)

    def test_pictures_of_another_size(self, tmp_path):
        path = write_npz(tmp_path / "fer.npz", images=np.zeros((10, 64, 64), np.uint8))
        with pytest.raises(DatasetError, match=r"expected uint8 images \(n, 48, 48\), found uint8 \(10, 64, 64\)"):
            read_dataset(path)

    def test_text(self, tmp_path):
        path = tmp_path / "fer.npz"
        path.write_text("emotion,pixels,Usage\n")
        with pytest.raises(DatasetError, match=r"fer\.npz: expected FER2013 as npz"):
            read_dataset(path)

    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # numpy leaves a torn file open
    @pytest.mark.parametrize("what", ["empty", "torn", "npy"])
    def test_other_files_that_are_no_npz(self, tmp_path, what):
        path = write_npz(tmp_path / "fer.npz")
        if what == "npy":
            with path.open("wb") as file:
                np.save(file, np.zeros(3))
        else:
            path.write_bytes(b"" if what == "empty" else path.read_bytes()[:5000])
        try:
            read_dataset(path)
        except Exception as error:  # not raises(): that would keep the open file for longer than its warning is ignored
            found = type(error).__name__
        assert found == "DatasetError"


class TestCsv:
    CROPS = pictures(30)

    def rows(self) -> list[tuple[object, str, str]]:
        usages = ("Training", "Training", "PublicTest", "PrivateTest")
        return [(k % 7, pixels(crop), usages[k % 4]) for k, crop in enumerate(self.CROPS)]

    def test_splits(self, tmp_path):
        dataset = read_dataset(write_csv(tmp_path / "fer2013.csv", self.rows()))
        assert {name: len(faces) for name, faces in dataset.splits.items()} == {"train": 16, "public": 7, "private": 7}
        np.testing.assert_array_equal(dataset.split("public").crops, self.CROPS[2::4])
        assert dataset.split("public").labels.tolist() == [k % 7 for k in range(2, 30, 4)]
        assert all(faces.clean.all() for faces in dataset.splits.values())
        assert dataset.faults.lines() == []

    def test_the_other_layout_of_kaggle(self, tmp_path):
        rows = [(emotion, usage, text) for emotion, text, usage in self.rows()]
        dataset = read_dataset(write_csv(tmp_path / "icml_face_data.csv", rows, ("emotion", " Usage", " pixels")))
        np.testing.assert_array_equal(dataset.split("private").crops, self.CROPS[3::4])

    def test_malformed_rows_are_counted_and_named(self, tmp_path):
        rows = self.rows()
        short = " ".join(["1"] * 2303)
        bad = [(0, short, "Training"), (0, short + " 256", "Training"), (1, short + " x", "PublicTest")]
        path = write_csv(tmp_path / "fer.csv", [*rows, *bad, (9, rows[0][1], "Training"), (1, rows[0][1], "Test")])
        dataset = read_dataset(path)
        assert sum(map(len, dataset.splits.values())) == 30
        assert dataset.faults.lines() == [
            "3 left out: not 2304 pixels of 0 to 255: line 32, line 33, line 34",
            "1 left out: unknown label: line 35 (9)",
            "1 left out: unknown Usage: line 36 (Test)",
        ]

    def test_only_the_first_are_named(self, tmp_path):
        rows = [*self.rows(), *[(0, "1", "Training")] * 5]
        assert lines(write_csv(tmp_path / "fer.csv", rows)).endswith("line 32, line 33, line 34, ...")

    def test_labels_of_another_kind(self, tmp_path):
        rows = [(emotion + 1, *rest) for emotion, *rest in self.rows()]  # type: ignore[operator]
        with pytest.raises(DatasetError, match=r"fer\.csv: expected the labels 0 to 6 .* found others: 4 left out"):
            read_dataset(write_csv(tmp_path / "fer.csv", rows))

    def test_other_columns_are_named(self, tmp_path):
        path = write_csv(tmp_path / "fer.csv", [(1, 2)], ("label", "pixels"))
        with pytest.raises(DatasetError, match=r"expected the columns emotion, pixels, usage, found label, pixels"):
            read_dataset(path)

    @pytest.mark.parametrize("rows", [[], [(0, "1 2", "Training")]])
    def test_no_picture(self, tmp_path, rows):
        with pytest.raises(DatasetError, match="expected labelled pictures, found none"):
            read_dataset(write_csv(tmp_path / "fer.csv", rows))

    def test_one_emotion(self, tmp_path):
        rows = [(3, *rest) for _, *rest in self.rows()]
        with pytest.raises(DatasetError, match="expected at least two emotions, found only happy"):
            read_dataset(write_csv(tmp_path / "fer.csv", rows))

    def test_bytes_that_are_no_csv(self, tmp_path):
        (tmp_path / "fer.csv").write_bytes(bytes(range(256)) * 20)
        with pytest.raises(DatasetError, match=r"fer\.csv: expected"):
            read_dataset(tmp_path / "fer.csv")

    def test_copies_in_other_splits_are_not_clean(self, tmp_path):
        rows = self.rows()
        rows[2] = (rows[2][0], pixels(self.CROPS[0][:, ::-1]), "PublicTest")  # mirrored from Training
        dataset = read_dataset(write_csv(tmp_path / "fer.csv", rows))
        assert np.flatnonzero(~dataset.split("public").clean).tolist() == [0]
        assert np.flatnonzero(~dataset.split("train").clean).tolist() == [0]
        assert dataset.split("private").clean.all()


class TestFerplus:
    HEADER = ("Usage", "Image name", *FERPLUS)

    def write(self, folder: Path, votes: list[list[int]]) -> tuple[Path, Path]:
        crops = pictures(len(votes))
        csv = write_csv(folder / "fer.csv", [(k % 7, pixels(crop), "Training") for k, crop in enumerate(crops)])
        plus = write_csv(folder / "fer2013new.csv", [("Training", "", *row) for row in votes], self.HEADER)
        return csv, plus

    def test_votes_join_by_row(self, tmp_path):
        nobody, no_face = [0] * 10, [1] + [0] * 8 + [9]
        csv, plus = self.write(tmp_path, [[5, 0, 0, 0, 5, 0, 0, 0, 0, 0], nobody, no_face])
        train = read_dataset(csv, plus).split("train")
        assert train.votes[0, [0, 4]].tolist() == [0.5, 0.5]
        assert not train.votes[1].any()
        assert train.clean.tolist() == [True, True, False]

    def test_another_number_of_rows(self, tmp_path):
        csv, _ = self.write(tmp_path, [[10] + [0] * 9] * 3)
        plus = write_csv(tmp_path / "other.csv", [("Training", "", *[1] * 10)], self.HEADER)
        with pytest.raises(DatasetError, match=r"other\.csv: expected 3 rows, .* found 1"):
            read_dataset(csv, plus)

    def test_only_for_csv(self, tmp_path):
        with pytest.raises(DatasetError, match=r"FER\+ votes go with FER2013's csv"):
            read_dataset(write_npz(tmp_path / "fer.npz"), tmp_path / "plus.csv")

    def test_columns_of_the_emotions(self):
        meant = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
        assert tuple(FERPLUS[k] for k in FERPLUS_OF_EMOTION) == meant


class TestFolders:
    def write(self, root: Path, name: str, picture: np.ndarray) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imencode(path.suffix, picture)[1].tofile(path) is None

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        crops = pictures(6)
        for k, name in enumerate(("train/happy/1.png", "train/sad/ünï 2.png", "train/Anger/3.png", "test/sad/4.png")):
            self.write(tmp_path, name, crops[k])
        return tmp_path

    def test_splits_and_names(self, root):
        dataset = read_dataset(root)
        train, test = dataset.split("train"), dataset.split("test")
        assert [EMOTIONS[label] for label in train.labels] == ["angry", "happy", "sad"]
        assert [EMOTIONS[label] for label in test.labels] == ["sad"]
        np.testing.assert_array_equal(test.crops[0], pictures(6)[3])
        assert dataset.validation()[0] == "test"

    @pytest.mark.parametrize(
        ("names", "splits"),
        [
            (("Training", "PublicTest", "PrivateTest"), ("train", "public", "private")),
            (("train_set", "val", "testing"), ("train", "validation", "test")),
            (("FER2013Train", "FER2013Valid", "FER2013Test"), ("train", "validation", "test")),
            (("TRAIN", "Public_Test", "Private Test"), ("train", "public", "private")),
        ],
    )
    def test_splits_by_other_names(self, tmp_path, names, splits):
        crops = pictures(12)
        emotions = ("Surprised", "neutrality", "Afraid", "03_sadness")
        for k, crop in enumerate(crops):
            self.write(tmp_path, f"archive/{names[k // 4]}/{emotions[k % 4]}/{k}.png", crop)
        dataset = read_dataset(tmp_path)
        assert dataset.faults.lines() == []
        assert tuple(dataset.splits) == splits
        for k, faces in enumerate(dataset.splits.values()):
            assert sorted(EMOTIONS[label] for label in faces.labels) == ["fear", "neutral", "sad", "surprise"]
            assert {crop.tobytes() for crop in faces.crops} == {crop.tobytes() for crop in crops[4 * k : 4 * k + 4]}

    def test_folders_of_one_split_are_joined(self, root):
        self.write(root, "training/fear/5.png", pictures(6)[4])
        self.write(root, "TRAIN/fear/6.png", pictures(6)[5])
        assert len(read_dataset(root).split("train")) == 5

    def test_a_folder_that_cannot_be_placed_is_named(self, root):
        crops = pictures(10)
        self.write(root, "Extra/sad/5.png", crops[5])
        self.write(root, "train/6.png", crops[6])
        self.write(root, "train/happy/more/7.png", crops[7])
        dataset = read_dataset(root)
        assert dataset.faults.lines() == [
            "1 left out: folder whose name is no split's: Extra",
            "1 left out: picture beside the folders of emotions: train/6.png",
            "1 left out: folder whose name is no emotion's: train/happy/more",
        ]
        assert {name: len(faces) for name, faces in dataset.splits.items()} == {"train": 3, "test": 1}

    def test_colours_and_sizes_become_crops(self, root):
        self.write(root, "test/fear/big.jpg", np.full((200, 100, 3), 90, np.uint8))
        test = read_dataset(root).split("test")
        assert test.crops.shape == (2, 48, 48)
        assert abs(int(test.crops[0].mean()) - 90) <= 2

    def test_emotions_without_splits_are_to_train_on(self, root):
        assert list(read_dataset(root / "train").splits) == ["train"]

    def test_what_is_no_picture_is_named(self, root):
        (root / "train/happy/bad.png").write_bytes(b"no picture")
        (root / "train/happy/empty.jpg").touch()
        (root / "train/happy/notes.txt").write_text("ignored")
        dataset = read_dataset(root)
        (line,) = dataset.faults.lines()
        assert re.match(r"2 left out: unreadable picture: .*bad\.png, .*empty\.jpg", line)

    def test_other_labels_only(self, tmp_path):
        self.write(tmp_path, "train/joy/1.png", pictures(1)[0])
        with pytest.raises(DatasetError, match=r"found none; 1 left out: unknown label: joy/1\.png"):
            read_dataset(tmp_path)

    def test_empty_folder(self, tmp_path):
        with pytest.raises(DatasetError, match="expected labelled pictures, found none"):
            read_dataset(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.csv: no such file or folder; expected FER2013 as csv or npz"):
        read_dataset(tmp_path / "gone.csv")


class TestFold:
    def test_folds_part_the_pictures(self):
        crops = pictures(500)
        folds = np.stack([in_fold(crops, fold, of=5) for fold in range(5)])
        assert (folds.sum(axis=0) == 1).all()
        assert (folds.sum(axis=1) > 50).all()

    def test_copies_and_mirror_images_stay_together(self):
        crops = pictures(100)
        np.testing.assert_array_equal(in_fold(crops, 0), in_fold(crops[:, :, ::-1], 0))

    def test_none(self):
        assert in_fold(pictures(0), 0).shape == (0,)


def test_describe_counts_and_draws(tmp_path):
    dataset = read_dataset(write_npz(tmp_path / "fer.npz", images=pictures(10)))
    table = count_table(dataset)
    assert "| angry | 2 | 0 |" in table
    assert "| all | 7 | 3 |" in table
    draw_dataset(dataset, tmp_path / "look.png")
    picture = cv2.imread(str(tmp_path / "look.png"))
    assert picture is not None
    assert picture.std() > 10
