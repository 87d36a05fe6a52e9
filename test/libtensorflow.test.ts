/**
 * A libtensorflow out of wheels, archives and folders, honest ones and not: small ones that the tests make, since what
 * is distrusted is the same at any size.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNamed } from '../src/tensorflow/fetch-library.js';
import { findLibrary } from '../src/tensorflow/library.js';
import { unpackWheel } from '../src/tensorflow/unpack-wheel.js';
import { makeFolder, writeZip, type ZipEntry } from './data-helpers.js';
import { isLinux, listFiles, makeTask, nothing } from './support/setup-task.js';

const NO_ARCHIVE = fileURLToPath(import.meta.url);
const file = (name: string, text = name): ZipEntry => ({ name, data: Buffer.from(text) });

const WHEEL = [
  file('tensorflow/libtensorflow_cc.so.2', 'the library'),
  file('tensorflow/libtensorflow_framework.so.2', 'its framework'),
  file('tensorflow/include/tensorflow/c/eager/c_api.h'),
  file('tensorflow/include/xla/tsl/c/tsl_status.h'),
];

async function writeWheel(entries: readonly ZipEntry[], name = 'tensorflow_cpu.whl') {
  const around = await makeFolder();
  const wheel = join(around, name);
  await writeFile(wheel, writeZip(entries));
  const folder = join(around, 'out');
  await mkdir(folder);
  return { wheel, folder, around };
}

describe('unpacking a wheel', () => {
  it('takes the libraries and the headers, and nothing else', async () => {
    const others = [
      'tensorflow/python/a.py',
      'tensorflow/lite/libtensorflow_cc.so.2',
      'tensorflow/include/e.cc',
    ];
    const { wheel, folder } = await writeWheel([...others.map((name) => file(name)), ...WHEEL]);
    const seen: (number | undefined)[][] = [];
    await unpackWheel(wheel, folder, (done, total) => seen.push([done, total]));
    expect(await listFiles(folder)).toEqual([
      'include/tensorflow/c/eager/c_api.h',
      'include/xla/tsl/c/tsl_status.h',
      'lib/libtensorflow_cc.so.2',
      'lib/libtensorflow_framework.so.2',
    ]);
    expect(await readFile(join(folder, 'lib', 'libtensorflow_cc.so.2'), 'utf8')).toBe('the library');
    const total = WHEEL.reduce((sum, { data }) => sum + data.length, 0);
    expect(seen.at(-1)).toEqual([total, total]);
  });

  it.each([
    '../evil',
    '/evil',
    'tensorflow/include/tensorflow/c/../../../../../../evil.h',
    'tensorflow\\..\\..\\evil',
  ])('refuses all of it for the name %s', async (name) => {
    const { wheel, folder, around } = await writeWheel([...WHEEL, file(name)]);
    const refusal = unpackWheel(wheel, folder, nothing);
    await expect(refusal).rejects.toThrow(
      /^\[wheel\] Expected a sound wheel, got `.*evil.*Do not trust it\.$/,
    );
    expect(await listFiles(around)).toEqual(['tensorflow_cpu.whl']);
  });

  it.each<[string, Partial<ZipEntry>, RegExp]>([
    ['has a password', { isEncrypted: true }, /without a password/],
    ['is damaged', { checksum: 1 }, /undamaged files, got `.*differs from its checksum.*Fetch it again/],
    ['is longer than it says', { declaredBytes: 3 }, /undamaged files, got `.*longer than it says/],
    ['would fill the disk', { declaredBytes: 0xf000_0000 }, /at most 6442450944 bytes/],
  ])('refuses a file that %s', async (_, lie, message) => {
    // Two of them, since one alone may not declare more than 4 GB.
    const entries = WHEEL.map((entry, i) => (i < 2 ? { ...entry, ...lie } : entry));
    const { wheel, folder } = await writeWheel(entries);
    await expect(unpackWheel(wheel, folder, nothing)).rejects.toThrow(message);
  });

  it('refuses what is cut off, what is no wheel, and a wheel for another system', async () => {
    const { wheel, folder } = await writeWheel(WHEEL);
    await truncate(wheel, readFileSync(wheel).length - 30);
    await expect(unpackWheel(wheel, folder, nothing)).rejects.toThrow(
      /Expected a whole wheel, got .*Fetch it again/,
    );
    const mac = await writeWheel([file('tensorflow/libtensorflow_cc.2.dylib')], 'tensorflow-macosx.whl');
    await expect(unpackWheel(mac.wheel, mac.folder, nothing)).rejects.toThrow(
      /Expected libtensorflow in the wheel, got `none` in tensorflow-macosx\.whl\. .*for Linux\./,
    );
    await expect(unpackWheel(NO_ARCHIVE, folder, nothing)).rejects.toThrow(/Expected a whole wheel/);
  });
});

/** The smallest library that this process has loaded: surely one for this machine. */
function findSmallLibrary(): string {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  const paths = report.sharedObjects.filter((path) => existsSync(path));
  return paths.sort((a, b) => statSync(a).size - statSync(b).size)[0]!;
}

/** A folder with a real library of this machine under TensorFlow's names. */
async function makeLibrary(lib = 'lib', change: (bytes: Buffer) => Buffer = (bytes) => bytes) {
  const root = await makeFolder();
  const folder = join(root, lib);
  await mkdir(folder, { recursive: true });
  const headers = join(root, 'include', 'tensorflow', 'c', 'eager');
  await mkdir(headers, { recursive: true });
  await writeFile(join(headers, 'c_api.h'), '');
  const library = readFileSync(findSmallLibrary());
  await writeFile(join(folder, 'libtensorflow_framework.so.2'), library);
  await writeFile(join(folder, 'libtensorflow.so.2'), change(library));
  return root;
}

describe.skipIf(!isLinux)('a libtensorflow [Linux only]', () => {
  it.each(['lib', '.'])('is found with its libraries in %s', async (lib) => {
    const root = await makeLibrary(lib);
    expect(await findLibrary(root)).toEqual({
      folder: join(root, lib),
      files: ['libtensorflow.so.2', 'libtensorflow_framework.so.2'].map((name) => join(root, lib, name)),
      headers: join(root, 'include'),
    });
  });

  it('is refused when it is for another machine, cut off, or no library', async () => {
    const other = process.arch === 'x64' ? { name: 'arm64', number: 183 } : { name: 'x64', number: 62 };
    const foreign = await makeLibrary('lib', (bytes) => {
      bytes.writeUInt16LE(other.number, 18);
      return bytes;
    });
    await expect(findLibrary(foreign)).rejects.toThrow(
      new RegExp(`Expected a library for ${process.arch}, got \`one for ${other.name}: `),
    );
    const cut = await makeLibrary('lib', (bytes) => bytes.subarray(0, bytes.length / 2));
    await expect(findLibrary(cut)).rejects.toThrow(
      /Expected \d+ bytes in .*It was cut off: fetch it again\./,
    );
    const text = await makeLibrary('lib', () => Buffer.from('no library'));
    await expect(findLibrary(text)).rejects.toThrow(/Expected an ELF library/);
    await expect(findLibrary(await makeFolder())).rejects.toThrow(
      /Expected libtensorflow\.so .*got `none in/,
    );
  });

  it('can be named as a folder, which is used where it is', async () => {
    const root = await makeLibrary();
    const task = await makeTask();
    expect((await openNamed(root, task)).folder).toBe(join(root, 'lib'));
    expect(existsSync(task.cache)).toBe(false);
  });

  it('can be named as an archive or a URL, which is unpacked into the cache once', async () => {
    const root = await makeLibrary();
    const archive = join(await makeFolder(), 'libtensorflow-cpu.tar.gz');
    execFileSync('tar', ['-czf', archive, '-C', root, '.']);
    let requests = 0;
    const server = createServer((request, response) => {
      requests++;
      if (request.url === '/libtensorflow-cpu.tar.gz') response.end(readFileSync(archive));
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const task = await makeTask();
    for (const named of [archive, `${url}/libtensorflow-cpu.tar.gz`]) {
      const { folder } = await openNamed(named, task);
      expect(folder.startsWith(task.cache)).toBe(true);
      expect((await openNamed(named, task)).folder).toBe(folder);
    }
    expect(requests).toBe(1);
    await expect(openNamed(`${url}/gone.whl`, task)).rejects.toThrow(
      /Expected to download .* got `HTTP status 404`/,
    );
    expect((await readdir(join(task.cache, 'libtensorflow'))).length).toBe(2);
  });

  it('leaves nothing behind when the archive is damaged or hostile, and names what is wrong', async () => {
    const archive = join(await makeFolder(), 'cut.tgz');
    execFileSync('tar', ['-czf', archive, '-C', await makeLibrary(), '.']);
    await truncate(archive, 1000);
    const task = await makeTask();
    await expect(openNamed(archive, task)).rejects.toThrow(/Expected tar to succeed, got `.*unexpected/i);
    expect(await readdir(join(task.cache, 'libtensorflow'))).toEqual([]);
    const evil = join(await makeFolder(), 'evil.tgz');
    const rename = ['--transform', 's,^\\./,../,', '-P'];
    execFileSync('tar', ['-czf', evil, ...rename, '-C', await makeLibrary(), './lib', './include']);
    await expect(openNamed(evil, task)).rejects.toThrow(/Expected tar to succeed, got `.*contains '\.\.'/);
    expect(await readdir(join(task.cache, 'libtensorflow'))).toEqual([]);
    await expect(openNamed('nowhere.whl', task)).rejects.toThrow(/GANX_LIBTENSORFLOW.*got `nowhere\.whl`/);
    await expect(openNamed(NO_ARCHIVE, task)).rejects.toThrow(/ends in \.whl, \.tar\.gz or \.tgz/);
  });
});
