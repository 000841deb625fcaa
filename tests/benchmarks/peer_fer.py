"""The package fer's whole job on a film: labelled video with sound. Runs in an environment that has fer, not ours.

python tests/benchmarks/peer_fer.py FILM FOLDER haar|mtcnn
"""

import os
import sys


def main(film: str, folder: str, detector: str) -> None:
    """Label a film."""
    from fer.classes import Video
    from fer.fer import FER

    os.chdir(folder)
    video = Video(film)
    video.analyze(
        FER(mtcnn=detector == "mtcnn"), display=False, save_frames=False, save_video=True, annotate_frames=True,
        zip_images=False, include_audio=True,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
