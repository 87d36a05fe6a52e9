import { defineConfig } from 'vite';

export default defineConfig({
  // Any folder of a server will do.
  base: './',
  // ganx loads ONNX Runtime from within a worker when it is first needed: that takes a module worker.
  worker: { format: 'es' },
});
