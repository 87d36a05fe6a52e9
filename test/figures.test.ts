/**
 * The figures of a real, tiny training: what their pixels show is held against the generator, the data and sums done
 * here in plain loops.
 */
import { join } from 'node:path';
import { decode } from 'fast-png';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportGenerator } from '../exporters/index.js';
import { findModel } from '../models/index.js';
import type { Gan } from '../models/types.js';
import { onnxruntimeNode } from '../runtimes/onnxruntime-node.js';
import { openPage } from '../src/browser/chromium.js';
import { latestSnapshot, readWholeFile, writeFileAtomically } from '../src/checkpoint/index.js';
import { type FloatTensor, type PlainTensor, sizeOf } from '../src/core/tensor.js';
import type { Dataset } from '../src/core/types.js';
import { openData } from '../src/data/index.js';
import { drawChart, LIGHT } from '../src/figures/chart.js';
import { parseLikelihoods } from '../src/figures/curves.js';
import {
  drawFigures,
  type FigureFacts,
  type FigureFile,
  measureLikelihood,
  parseTraining,
} from '../src/figures/index.js';
import { chooseTicks, formatValue } from '../src/figures/ticks.js';
import { loadGenerator } from '../src/load-generator.js';
import { PARZEN_SIGMAS } from '../src/measure/index.js';
import { drawLatents, type Generator, toBytes, walkLatents } from '../src/sample/index.js';
import { createRun, parseModelOptions, planTraining, toNetworkRange, train } from '../src/train/index.js';
import { makeWorkplace } from './support/cli.js';
import { needChromium } from './support/page-pixels.js';
import { openOnCpu } from './support/small-training.js';

const folder = makeWorkplace();
const SEED = 3;

interface Trained {
  readonly run: string;
  readonly gan: Gan;
  readonly data: Dataset;
  readonly generator: Generator;
}

const open: Trained[] = [];
afterAll(async () => {
  for (const { data, generator } of open) await Promise.all([data.close(), generator.dispose()]);
});

/** Trains some steps through the library, and opens what comes out. */
async function trainTiny(model: string, data: Dataset, width: number, images: number): Promise<Trained> {
  const path = join(folder, `${data.name}-${model}-${data.shape.join('x')}`);
  const plan = planTraining({ model, data: { source: data.name }, width, batch: 16, images }, data);
  const run = await createRun(path, plan);
  await train(run, { data, openSession: (bytes) => onnxruntimeNode.open(bytes, { device: 'cpu' }) });
  const { checkpoint } = await latestSnapshot(path);
  const gan = findModel(model).build(parseModelOptions(checkpoint.modelOptions));
  const { bytes } = await exportGenerator(
    {
      model,
      gan,
      weights: checkpoint.tensors as Record<string, FloatTensor>,
      imagesSeen: checkpoint.imagesSeen,
      seed: checkpoint.seed,
      dataDigest: checkpoint.dataDigest,
    },
    { openSession: openOnCpu },
  );
  const trained = { run: path, gan, data, generator: await loadGenerator(bytes, { device: 'cpu' }) };
  open.push(trained);
  return trained;
}

async function readAll(data: Dataset): Promise<PlainTensor> {
  return await data.read(Uint32Array.from({ length: data.count }, (_, i) => i));
}

async function readTraining(run: string) {
  const file = join(run, 'stats.jsonl');
  return parseTraining(new TextDecoder().decode(await readWholeFile(file)), file);
}

const fileOf = (files: readonly FigureFile[], name: string): Uint8Array =>
  files.find((file) => file.name === name)!.bytes;

/** Cell (row, column) of a sheet with a gutter of 4 pixels, at its own size; checks that it is enlarged evenly. */
function cellOf(png: Uint8Array, row: number, column: number, [h, w, c]: readonly number[]): number[] {
  const { data, width, channels } = decode(png);
  const scale = Math.round(84 / h!);
  const at = (y: number, x: number) =>
    ((4 + row * (h! * scale + 4) + y) * width + 4 + column * (w! * scale + 4) + x) * channels;
  const cell: number[] = [];
  let uneven = 0;
  for (let y = 0; y < h! * scale; y++) {
    for (let x = 0; x < w! * scale; x++) {
      const first = at(y - (y % scale), x - (x % scale));
      for (let channel = 0; channel < 3; channel++) {
        if (data[at(y, x) + channel] !== data[first + channel]) uneven++;
        if (y % scale === 0 && x % scale === 0 && channel < c!) cell.push(data[first + channel]!);
      }
    }
  }
  expect(uneven).toBe(0);
  return cell;
}

/** Nearest item by a plain loop over all values, pixels from 0 to 1. */
function searchNearest(sample: ArrayLike<number>, rows: FloatTensor): { item: number; distance: number } {
  const size = sizeOf(rows.shape.slice(1));
  let best = { item: -1, distance: Number.POSITIVE_INFINITY };
  for (let item = 0; item < rows.shape[0]!; item++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (sample[i]! - rows.data[item * size + i]!) ** 2;
    if (Math.sqrt(sum) < best.distance) best = { item, distance: Math.sqrt(sum) };
  }
  return best;
}

/** Holds the pictures of a generator of images against the generator and the data. */
async function expectPictures(trained: Trained, files: readonly FigureFile[], facts: FigureFacts) {
  const { generator, data } = trained;
  const { imageShape, imageRange } = generator.metadata;
  const [low, high] = imageRange;
  const size = sizeOf(imageShape);
  const { images } = await generator.sample({ count: 25, seed: SEED });
  const bytes = toBytes(images, imageRange).data;
  const seen = toNetworkRange(trained.gan, await readAll(data));
  const [least, most] = trained.gan.shape.imageRange;
  const rows = { ...seen, data: seen.data.map((value) => (value - least) / (most - least)) };
  const shown = toBytes(rows, [0, 1]).data;
  const sheet = fileOf(files, 'samples.png');
  const cell = imageShape[0] * Math.round(84 / imageShape[0]) + 4;
  expect(decode(sheet)).toMatchObject({ width: 6 * cell + 4, height: 5 * cell + 4, channels: 3 });
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 5; column++) {
      const i = row * 5 + column;
      expect(cellOf(sheet, row, column, imageShape)).toEqual([...bytes.subarray(i * size, (i + 1) * size)]);
    }
    const i = row * 5 + 4;
    const pixels = images.data
      .subarray(i * size, (i + 1) * size)
      .map((value) => (value - low) / (high - low));
    const { item, distance } = searchNearest(pixels, rows);
    expect(facts.nearest![row]).toEqual({ sample: i, item, distance: expect.closeTo(distance, 4) });
    expect(cellOf(sheet, row, 5, imageShape)).toEqual([...shown.subarray(item * size, (item + 1) * size)]);
  }
  const strip = fileOf(files, 'interpolation.png');
  expect(decode(strip)).toMatchObject({ width: 11 * cell + 4, height: 5 * cell + 4 });
  for (let row = 0; row < 5; row++) {
    for (const [column, i] of [
      [0, 2 * row],
      [10, 2 * row + 1],
    ] as const) {
      const end = cellOf(strip, row, column, imageShape);
      const sample = bytes.subarray(i * size, (i + 1) * size);
      // One level: a batch of another size may be summed in another order.
      expect(Math.max(...end.map((level, at) => Math.abs(level - sample[at]!)))).toBeLessThanOrEqual(1);
    }
  }
}

let digits: Trained;

beforeAll(async () => {
  digits = await trainTiny('mlp', await openData('digits', { count: 300 }), 40, 960);
});

describe('figures of images', () => {
  it('are fair draws, their nearest training images, and lines in z', async () => {
    const sources = { ...digits, seed: SEED, training: await readTraining(digits.run), likelihoods: [] };
    const { files, facts } = await drawFigures(sources);
    await expectPictures(digits, files, facts);
    expect(facts.files).toEqual([
      'samples.png',
      'interpolation.png',
      'losses.png',
      'beliefs.png',
      'index.html',
    ]);
    expect(JSON.parse(Buffer.from(fileOf(files, 'figures.json')).toString())).toEqual(facts);
    for (const name of ['losses.png', 'beliefs.png']) {
      const { width, height } = await sharp(fileOf(files, name)).metadata();
      expect([width, height]).toEqual([1040, 640]);
    }
  });

  it('frame the training images in yellow, all around', async () => {
    const { files } = await drawFigures({ ...digits, seed: SEED, training: [], likelihoods: [] });
    const { data, width, height } = decode(fileOf(files, 'samples.png'));
    const colourAt = (y: number, x: number) => [
      ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
    ];
    for (const y of [1, 89, height - 2]) expect(colourAt(y, width - 40)).toEqual([255, 200, 0]);
    for (const x of [width - 2, width - 90]) expect(colourAt(40, x)).toEqual([255, 200, 0]);
    for (const x of [1, 89, width - 178]) expect(colourAt(40, x)).toEqual([255, 255, 255]);
  });

  it('show colour, and images whose values are no pixels', async () => {
    const data = await openData('digits', { count: 60, size: 32, channels: 3 });
    const colour = await trainTiny('dcgan', data, 4, 64);
    const sources = { seed: SEED, training: [], likelihoods: [] };
    const drawn = await drawFigures({ ...colour, ...sources });
    await expectPictures(colour, drawn.files, drawn.facts);

    const { metadata } = digits.generator;
    const stretched: Generator = {
      ...digits.generator,
      metadata: { ...metadata, imageRange: [-0.75, 1.5] },
    };
    const shown = await drawFigures({ ...digits, generator: stretched, ...sources });
    await expectPictures({ ...digits, generator: stretched }, shown.files, shown.facts);
  });

  it('compare images of normalised contrast as the network saw them', async () => {
    const data = await openData('digits', { count: 50, size: 32, channels: 3 });
    const trained = await trainTiny('goodfellow2014-cifar10-fc', data, 16, 160);
    const { gan } = trained;
    const { files, facts } = await drawFigures({
      ...trained,
      seed: SEED,
      training: [],
      likelihoods: [],
      toNetwork: (items) => toNetworkRange(gan, items),
    });
    await expectPictures(trained, files, facts);
    expect(Buffer.from(fileOf(files, 'index.html')).toString()).toContain('contrast normalised');
  });

  it.each([
    [{ count: 20, size: 32 }, 'Expected a generator of [32, 32, 1], as digits is, got `[28, 28, 1]`.'],
    [{ count: 20 }, 'Expected a generator trained on digits (SHA-256 '],
  ])('refuse a generator of other data: %o', async (options, message) => {
    const data = await openData('digits', options);
    const sources = { data, seed: 0, training: [], likelihoods: [] };
    await expect(drawFigures({ ...sources, generator: digits.generator })).rejects.toThrow(message);
    await data.close();
  });

  it('go straight in z, normal latents too', () => {
    const shape = { latentSize: 4, latentDistribution: 'normal' } as const;
    const [a, b] = [drawLatents(shape, 1, 0, 1), drawLatents(shape, 1, 1, 1)];
    const { data } = walkLatents(shape, a, b, 5, 'lerp');
    for (let i = 0; i < 20; i++) {
      const t = Math.floor(i / 4) / 4;
      expect(data[i]).toBeCloseTo((1 - t) * a.data[i % 4]! + t * b.data[i % 4]!, 6);
    }
  });
});

describe('figures of points', () => {
  it('are plots over the real points, and leave Table 1 to the paper', async () => {
    const ring = await trainTiny('mlp', await openData('ring', { count: 500 }), 16, 320);
    const reason = 'The table is about images.';
    const sources = { ...ring, seed: SEED, training: await readTraining(ring.run), likelihoods: [], reason };
    const { files, facts } = await drawFigures(sources);
    for (const name of ['samples.png', 'interpolation.png']) {
      const { data, width, height } = decode(fileOf(files, name));
      expect([width, height]).toEqual([640, 640]);
      let [blue, orange] = [0, 0];
      for (let i = 0; i < data.length; i += 3) {
        if (data[i + 2]! - data[i]! > 60) blue++;
        if (data[i]! - data[i + 2]! > 60) orange++;
      }
      expect(Math.min(blue, orange)).toBeGreaterThan(100);
    }
    expect(facts.nearest).toBeUndefined();
    expect(facts.table.map(({ source }) => source)).toEqual(['paper', 'paper', 'paper', 'paper']);
    expect(Buffer.from(fileOf(files, 'index.html')).toString()).toContain(reason);
  });
});

/** Mean log-likelihood and its standard error by the formula of parzen_ll.py, in plain loops. */
function computeLikelihood(samples: ArrayLike<number>, test: Uint8Array, sigma: number, size: number) {
  const [n, m] = [samples.length / size, test.length / size];
  const values = Array.from({ length: m }, (_, row) => {
    const exponents = Array.from({ length: n }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += (test[row * size + i]! / 255 - samples[j * size + i]!) ** 2;
      return -sum / (2 * sigma ** 2);
    });
    const most = Math.max(...exponents);
    const mean = exponents.reduce((sum, exponent) => sum + Math.exp(exponent - most), 0) / n;
    return most + Math.log(mean) - size * Math.log(sigma * Math.sqrt(2 * Math.PI));
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / m;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / m;
  return { mean, standardError: Math.sqrt(variance / m) };
}

describe('Table 1', () => {
  it('holds the paper’s numbers and the one that was measured, with its yardstick', async () => {
    const { generator, data } = digits;
    const testData = await openData('digits', { seed: 1, count: 40 });
    const test = await readAll(testData);
    await testData.close();
    const drawn: number[] = [];
    const validation = await data.read(Uint32Array.from({ length: 30 }, (_, i) => 270 + i));
    const reals = await data.read(Uint32Array.from({ length: 250 }, (_, i) => i));
    const options = { samples: 250, seed: SEED, onDrawn: (done: number) => void drawn.push(done) };
    const measured = {
      ...(await measureLikelihood(generator, { test, validation, reals }, options)),
      testFrom: 'digits of seed 1',
      validationFrom: 'items 270 to 299 of the data',
      separate: true,
    };
    expect(drawn).toEqual([100, 200, 250]);
    expect(PARZEN_SIGMAS).toContain(measured.generator.sigma);
    const { images } = await generator.sample({ count: 250, seed: SEED, batch: 100 });
    const ours = computeLikelihood(images.data, test.data as Uint8Array, measured.generator.sigma, 784);
    expect(measured.generator.mean).toBeCloseTo(ours.mean, 6);
    expect(measured.generator.standardError).toBeCloseTo(ours.standardError, 6);
    expect(measured.yardstick).toMatchObject({ samples: 250, tested: 40 });
    expect(measured.yardstick!.mean).toBeGreaterThan(measured.generator.mean);

    const { files } = await drawFigures({ ...digits, seed: SEED, training: [], likelihoods: [], measured });
    const page = Buffer.from(fileOf(files, 'index.html')).toString();
    for (const text of ['138 ± 2', '121 ± 1.6', '214 ± 1.1', '225 ± 2', '2057 ± 26', '1909 ± 66'])
      expect(page).toContain(`<td>${text}</td>`);
    const text = (value: number) => value.toFixed(1).replace('-', '\u2212');
    expect(page).toContain(`<td>${text(ours.mean)} ± ${text(ours.standardError)}</td>`);
  });
});

describe('the page', () => {
  const likelihoods = [
    { imagesSeen: 300, sigma: 0.2, validation: -150.5, standardError: 2 },
    { imagesSeen: 900, sigma: 0.2, validation: 40.25, test: 38, standardError: 2 },
  ];

  it('asks for nothing, and shows itself whole on a phone and in the dark', async (context) => {
    needChromium(context);
    const training = await readTraining(digits.run);
    const { files } = await drawFigures({ ...digits, seed: SEED, training, likelihoods });
    const html = fileOf(files, 'index.html');
    // The names of SVG's own vocabulary and of papers are addresses that nothing is loaded from.
    const text = Buffer.from(html).toString().replaceAll('xmlns="http://www.w3.org/2000/svg"', '');
    expect(text).not.toMatch(/https?:|<script|<link|@import|url\(/);
    const path = join(folder, 'page.html');
    await writeFileAtomically(path, html);
    const page = await openPage(`file://${path}`);
    try {
      await page.send('Emulation.setDeviceMetricsOverride', {
        width: 360,
        height: 740,
        deviceScaleFactor: 1,
        mobile: true,
      });
      const features = [{ name: 'prefers-color-scheme', value: 'dark' }];
      await page.send('Emulation.setEmulatedMedia', { features });
      await page.waitFor('document.readyState === "complete" && innerWidth === 360');
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      const pictures = '[...document.images].map((one) => [one.naturalWidth > 0, one.alt.length > 20])';
      expect(await page.evaluate(pictures)).toEqual([
        [true, true],
        [true, true],
      ]);
      expect(await page.evaluate('document.querySelectorAll("svg[role=img][aria-label]").length')).toBe(3);
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(17, 17, 19)');
      expect(page.requests.filter((address) => !address.startsWith('data:'))).toEqual([`file://${path}`]);
      expect(page.complaints).toEqual([]);
    } finally {
      await page.close();
    }
  });
});

describe('charts', () => {
  it('put each point where its value is', async () => {
    const chart = {
      name: 'a',
      title: 'A <b>',
      xLabel: 'x',
      yLabel: 'y',
      series: [
        {
          name: 'one',
          points: [
            [0, 0],
            [50, 10],
            [100, 5],
          ] as const,
        },
      ],
    };
    const svg = drawChart(chart, LIGHT);
    expect(svg).toContain('A &lt;b&gt;');
    // The frame goes from (68, 268) to (466, 62), the axis from 0 to 10.
    expect(svg).toContain('d="M68 268L267 62L466 165"');
    expect((await sharp(Buffer.from(svg)).stats()).isOpaque).toBe(true);
  });

  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0.13, 7.6, [0, 2, 4, 6, 8]],
    [-608, 241, [-800, -600, -400, -200, 0, 200, 400]],
    [5, 5, [5, 6]],
  ])('have round ticks from %d to %d', (low, high, ticks) => {
    const chosen = chooseTicks(low, high, 5);
    expect(chosen[0]).toBeLessThanOrEqual(low);
    expect(chosen.at(-1)).toBeGreaterThanOrEqual(high);
    expect(chosen).toEqual(ticks);
  });

  it.each([
    [0.0053, '0.005'],
    [-0.1736, '\u22120.174'],
    [4, '4.00'],
    [10.42, '10.4'],
    [-211.3, '\u2212211'],
    [1234.6, '1235'],
  ])('write %d as %s', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  it('read what was measured, the last line on a snapshot, and name a bad one', () => {
    const lines = [
      '{"imagesSeen":200,"sigma":0.2,"validation":3}',
      '{"imagesSeen":100,"sigma":0.2,"validation":1}',
      '{"imagesSeen":200,"sigma":0.2,"validation":4,"test":5}',
      '{"imagesSeen":300,"sig',
    ];
    const read = parseLikelihoods(lines.join('\n'), 'parzen.jsonl');
    expect(read.map(({ imagesSeen, validation }) => [imagesSeen, validation])).toEqual([
      [100, 1],
      [200, 4],
    ]);
    expect(() => parseLikelihoods(`${lines.join('\n')}\n`, 'parzen.jsonl')).toThrow('[parzen.jsonl:4]');
    expect(() => parseTraining('{"imagesSeen":1,"lossD":null}\n', 'stats.jsonl')).toThrow(
      '[stats.jsonl:1] Expected JSON with the numbers imagesSeen, lossD, lossG, dReal, dFake',
    );
  });
});
