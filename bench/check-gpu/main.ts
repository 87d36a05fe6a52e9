/**
 * `npm run check:gpu -- [options]`: packs what a machine with a GPU and nothing else needs, in pieces small enough to
 * carry, and runs the very same thing here, so that what is carried there is known to work on a CPU at least.
 * It parses and prints; what is packed and what is checked stand in the other files.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { expected, messageOf } from '../../src/core/errors.js';
import { formatReport } from '../report.js';
import { CHECK_OPTIONS, readChoices } from './options.js';
import { layOut, PARTS } from './parts.js';
import { LIST, type Piece, packFolder, writeList } from './pieces.js';

const SCRIPT = 'run-there.sh';
const MEGABYTE = 2 ** 20;
const PACK_OPTIONS = {
  parts: { type: 'string', default: 'webgpu,cuda' },
  out: { type: 'string', default: 'runs/check-gpu' },
  'piece-mb': { type: 'string', default: '60' },
  level: { type: 'string', default: '6' },
} as const;

/** Folder of the project: the one with package.json above the built files. */
function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

function readNatural(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value <= most) return value;
  throw expected('check:gpu', `--${name} to be a whole number from 1 to ${most}`, text);
}

function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

/** What became of one part. */
interface Packed {
  readonly part: string;
  readonly pieces: readonly Piece[];
  readonly notes: readonly string[];
}

async function removePieces(out: string, parts: readonly string[]): Promise<void> {
  const isOurs = (name: string): boolean => parts.includes(name.replace(/-\d+$/, ''));
  for (const name of await readdir(out)) if (isOurs(name)) await rm(join(out, name));
}

/** Packs one part; a part that cannot be had is left out and says why, unless everything needs it. */
async function packPart(part: string, out: string, pieceBytes: number, level: number): Promise<Packed> {
  const workplace = await mkdtemp(join(tmpdir(), 'ganx-check-gpu-'));
  try {
    const content = await PARTS[part]!({ root: findRoot(), workplace, tell });
    tell(`packing ${part}: ${content.files.size} files and folders`);
    const folder = join(workplace, 'tree');
    await layOut(content, folder);
    return { part, pieces: await packFolder(folder, out, part, pieceBytes, level), notes: content.notes };
  } catch (error) {
    if (part === Object.keys(PARTS)[0]) throw error;
    await removePieces(out, [part]);
    return { part, pieces: [], notes: [`SKIP: ${messageOf(error)}`] };
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

/** Removes what an earlier packing left, and nothing else. */
async function clear(out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  await removePieces(out, Object.keys(PARTS));
  for (const name of [LIST, SCRIPT]) await rm(join(out, name), { force: true });
}

/** `cuda-01 to cuda-04: 212.4`. */
function describePieces(pieces: readonly Piece[]): string {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (!first || !last) return 'SKIP';
  const sizeBytes = pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0);
  const names = first === last ? first.name : `${first.name} to ${last.name}`;
  return `${names}: ${(sizeBytes / MEGABYTE).toFixed(1)}`;
}

async function pack(parts: readonly string[], out: string, pieceBytes: number, level: number): Promise<void> {
  await clear(out);
  const packed: Packed[] = [];
  for (const part of parts) packed.push(await packPart(part, out, pieceBytes, level));
  await writeList(
    out,
    packed.flatMap(({ pieces }) => pieces),
  );
  const script = join(out, SCRIPT);
  await copyFile(join(findRoot(), 'bench', 'check-gpu', SCRIPT), script);
  const rows = packed.map(({ part, pieces, notes }) => [part, describePieces(pieces), notes.join('; ')]);
  const title = `Packed into ${relative('', out) || '.'}, MiB in all`;
  const { size } = await stat(script);
  console.log(formatReport({ title, head: ['part', 'pieces', 'what'], rows, notes: [], numbers: undefined }));
  console.log(
    `\nThere: bring ${SCRIPT} (${size} bytes), ${LIST} and the pieces, all at once or a piece at a time into one folder,\n` +
      `and run \`sh ${SCRIPT}\` each time. With the last piece it runs the check.\n`,
  );
}

/** Runs the packed check on this machine, as it will run there. @returns its exit code */
async function runHere(out: string, options: readonly string[]): Promise<number> {
  const store = await mkdtemp(join(tmpdir(), 'ganx-check-gpu-here-'));
  try {
    const env = { ...process.env, GANX_CHECK_STORE: store };
    const child = spawn('sh', [join(out, SCRIPT), ...options], { env, stdio: 'inherit' });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { ...PACK_OPTIONS, ...CHECK_OPTIONS } });
  // What the check would refuse in the end is refused before anything is packed.
  readChoices(values);
  const known = Object.keys(PARTS);
  const wanted = values.parts.split(',');
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw expected('check:gpu', `--parts with some of ${known.join(', ')}`, unknown);
  // The first part holds what all others are for.
  const parts = known.filter((name, i) => i === 0 || wanted.includes(name));
  const pieceBytes = readNatural('piece-mb', values['piece-mb'], 2048) * MEGABYTE;
  const out = resolve(values.out);
  await pack(parts, out, pieceBytes, readNatural('level', values.level, 9));
  const options = (Object.keys(CHECK_OPTIONS) as (keyof typeof CHECK_OPTIONS)[]).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, name === 'json' ? resolve(values[name]) : values[name]],
  );
  tell('running the packed check here');
  process.exitCode = await runHere(out, options);
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
