/**
 * Draws samples into a PNG file: node draw.mjs generator.onnx samples.png [seed]
 */
import { writeFile } from 'node:fs/promises';
import { loadGenerator, toPng } from 'ganx';

const [source = 'generator.onnx', target = 'samples.png', seed = '7'] = process.argv.slice(2);
const generator = await loadGenerator(source);
const { images } = await generator.sample({ count: 16, seed: Number(seed) });
await writeFile(target, toPng(images, generator.metadata));
console.log(`${target}: 16 samples of seed ${seed}, by ${generator.runtime} on ${generator.device}`);
await generator.dispose();
