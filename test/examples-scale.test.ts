/**
 * The guide for many machines: its manifests against the schemas of Kubernetes and KServe, and its command lines, which
 * are really run, with other numbers, by the shell that would run them there.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Job } from 'kubernetes-models/batch/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ganxOk, makeWorkplace } from './support/cli.js';

const EXAMPLE = fileURLToPath(new URL('../examples/scale/', import.meta.url));
const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const JOBS = ['job.yaml', 'merge-job.yaml'];
const SERVICES = ['inference-service-triton.yaml', 'inference-service-ganx.yaml'];
const read = (name: string) => parse(readFileSync(join(EXAMPLE, name), 'utf8'));
const folder = makeWorkplace();

/**
 * Walks manifests along the classes of the two projects' own clients, which are generated from their OpenAPI schemas:
 * an unknown field, a missing one or a value of another type ends it. kserve's package itself would import a web server.
 */
const JUDGE = `
import importlib.util, json, re, sys, types
kserve = types.ModuleType("kserve")
kserve.__path__ = importlib.util.find_spec("kserve").submodule_search_locations
sys.modules["kserve"] = kserve
import kubernetes.client
import kserve.models
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}
def check(value, kind, where):
    many = re.fullmatch(r"([Ll]ist|[Dd]ict)[\\[(](?:str, )?(.+)[\\])]", kind)
    if many and many[1].lower() == "list":
        assert isinstance(value, list), where
        return [check(one, many[2], f"{where}[{i}]") for i, one in enumerate(value)]
    if many:
        return {key: check(one, many[2], f"{where}.{key}") for key, one in value.items()}
    if kind in PLAIN:
        assert isinstance(value, PLAIN[kind]) and (kind != "int" or not isinstance(value, bool)), f"{where}: {value!r} is no {kind}"
        return value
    model = getattr(kserve.models, kind, None) or getattr(kubernetes.client, kind)
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    unknown = set(value) - set(names)
    assert not unknown, f"{where}: unknown {sorted(unknown)}"
    return model(**{names[key]: check(one, model.openapi_types[names[key]], f"{where}.{key}") for key, one in value.items()})
KINDS = {("batch/v1", "Job"): "V1Job", ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService"}
def judge(manifest):
    try:
        check(manifest, KINDS[manifest["apiVersion"], manifest["kind"]], manifest["kind"])
        return "fine"
    except (AssertionError, ValueError) as error:
        return str(error)
print(json.dumps([judge(manifest) for manifest in json.loads(sys.argv[1])]))
`;

/** What is wrong with each. */
function judge(manifests: readonly unknown[]): string[] {
  const line = ['-c', JUDGE, JSON.stringify(manifests)];
  return JSON.parse(execFileSync('python3', line, { encoding: 'utf8', stdio: 'pipe' }));
}

function findObstacle(): string | undefined {
  try {
    const places = 'import importlib.util, kubernetes, six\nassert importlib.util.find_spec("kserve")';
    execFileSync('python3', ['-c', places], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'python3 with kubernetes, six and kserve is not here.';
  }
}

describe('the manifests', () => {
  it.each(JOBS)('%s fits the schema of Kubernetes', (name) => {
    const manifest = read(name);
    new Job(manifest).validate();
    const wrong = structuredClone(manifest);
    wrong.spec.template.spec.containers[0].volumeMounts[0].mountPath = 7;
    expect(() => new Job(wrong).validate()).toThrow('mountPath must be string');
  });

  it('have no field that Kubernetes and KServe do not know', ({ skip }) => {
    const obstacle = findObstacle();
    if (obstacle !== undefined) {
      if (process.env.GANX_REQUIRE?.split(',').includes('kserve')) throw new Error(obstacle);
      return skip(obstacle);
    }
    const manifests = [...JOBS, ...SERVICES].map(read);
    const [job, , service, other] = structuredClone(manifests);
    job.spec.completionmode = 'Indexed';
    service.spec.predictor.model.storageURI = 's3://bucket';
    other.spec.predictor.maxReplicas = '8';
    expect(judge([...manifests, job, service, other])).toEqual([
      ...manifests.map(() => 'fine'),
      "Job.spec: unknown ['completionmode']",
      "InferenceService.spec.predictor.model: unknown ['storageURI']",
      "InferenceService.spec.predictor.maxReplicas: '8' is no int",
    ]);
  });

  it('cut as many shards as there are pods, and join what was drawn', () => {
    const { spec } = read('job.yaml');
    const [line] = spec.template.spec.containers[0].args;
    expect(line).toContain(`--shard "$((JOB_COMPLETION_INDEX + 1))/${spec.completions}"`);
    expect(spec.completionMode).toBe('Indexed');
    const [program, verb, target] = read('merge-job.yaml').spec.template.spec.containers[0].command;
    expect([program, verb]).toEqual(['ganx', 'merge']);
    expect(line).toContain(`--npy ${target}`);
  });
});

describe('the command lines', () => {
  beforeAll(async () => {
    const tiny = 'train --data digits --model mlp --width 8 --batch 8 --images 80 --snapshot-every 80';
    await ganxOk([...tiny.split(' '), '--out', 'run'], folder);
    await ganxOk(['export', 'run'], folder);
    await writeFile(join(folder, 'ganx'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(join(folder, 'ganx'), 0o755);
    const whole = 'sample generator.onnx --device cpu -n 1000 --seed 7 --dtype uint8 --npy whole.npy';
    await ganxOk(whole.split(' '), folder);
  });

  const runShell = (script: string, env: Record<string, string>) =>
    promisify(execFile)('sh', ['-c', script], {
      cwd: folder,
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, ...env },
    });
  const bytesOf = (name: string) => readFile(join(folder, name));

  it('of the Jobs draw and join what a single run draws', async () => {
    const [line] = read('job.yaml').spec.template.spec.containers[0].args;
    const script = line.replaceAll('/data/', '').replace('10000000', '1000').replace('/64"', '/3"');
    for (const index of [2, 0, 1]) await runShell(script, { JOB_COMPLETION_INDEX: String(index) });
    const { command } = read('merge-job.yaml').spec.template.spec.containers[0];
    await runShell(command.join(' ').replace('/data/', ''), {});
    expect((await bytesOf('images.npy')).equals(await bytesOf('whole.npy'))).toBe(true);
  });

  it('of the Slurm script, too', async () => {
    const script = readFileSync(join(EXAMPLE, 'shards.slurm'), 'utf8');
    const other = script.replace('10000000', '1000').replace('images.npy', 'array.npy');
    const [, last] = /^#SBATCH --array=1-(\d+)$/m.exec(script)!;
    expect(last).toBe('64');
    for (const task of [1, 2])
      await runShell(other.replace('--npy images.npy', '--npy array.npy'), {
        SLURM_ARRAY_TASK_ID: String(task),
        SLURM_ARRAY_TASK_COUNT: '2',
      });
    await runShell('ganx merge array.npy', {});
    expect((await bytesOf('array.npy')).equals(await bytesOf('whole.npy'))).toBe(true);
  });
});
