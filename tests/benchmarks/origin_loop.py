"""The loop of the project's origin, to measure against: Haar on each full frame, one ``predict`` a face, no sound.

python tests/benchmarks/origin_loop.py FILM OUT.mp4
"""

import sys

import cv2
import numpy as np

from models.emotions import EMOTIONS
from models.inference.keras_classifier import load_network
from models.model_file import find_model


def main(film: str, out: str) -> None:
    """Label a film."""
    model = load_network(find_model("seed"))
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    video = cv2.VideoCapture(film)
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(out, cv2.VideoWriter.fourcc(*"mp4v"), video.get(cv2.CAP_PROP_FPS), size)
    while True:
        read, frame = video.read()
        if not read:
            break
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        for x, y, w, h in cascade.detectMultiScale(grey, scaleFactor=1.3, minNeighbors=5):
            crop = cv2.resize(grey[y : y + h, x : x + w], (48, 48)).astype(np.float32)[None, :, :, None] / 255
            label = EMOTIONS[int(model.predict(crop, verbose=0)["emotion"].argmax())]
            cv2.rectangle(frame, (x, y), (x + w, y + h), (255, 0, 0), 2)
            cv2.putText(frame, label, (x, y - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
        writer.write(frame)
    writer.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
