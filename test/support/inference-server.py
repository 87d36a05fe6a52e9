"""A runtime for MLServer that runs one ONNX file with Python's ONNX Runtime.

MLServer is an implementation of the Open Inference Protocol from elsewhere: https://mlserver.readthedocs.io
It imports this file by the name that model-settings.json states.
"""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        path = await get_model_uri(self._settings)
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {one.name: NumpyCodec.decode_input(one) for one in payload.inputs}
        names = [one.name for one in payload.outputs or []] or [one.name for one in self.session.get_outputs()]
        results = self.session.run(names, feeds)
        outputs = [NumpyCodec.encode_output(name, result) for name, result in zip(names, results)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
