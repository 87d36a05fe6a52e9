/**
 * A verb as data: its flags, its one path, its examples. Becomes a command of yargs, which splits the command line and
 * writes the help; what was typed is checked here. Knows no verb in particular.
 */
import type { CommandModule, Options } from 'yargs';
import { expected } from '../core/errors.js';
import { type Flag, type Flags, type FlagValues, toKebabCase } from './flags.js';

/** A verb of the command line. */
export interface Verb<F extends Flags> {
  readonly name: string;
  readonly describe: string;
  /** The path that follows the verb; it must be there unless it is optional, and may be followed by more if `many`. */
  readonly path?: {
    readonly name: string;
    readonly describe: string;
    readonly optional?: true;
    readonly many?: true;
  };
  readonly flags: F;
  /** Command lines without the program's name, and what each is for. */
  readonly examples: readonly (readonly [commandLine: string, purpose: string])[];
  /**
   * @param path  '' for a verb that takes none, or where an optional one is absent
   * @param paths all of them, of a verb that takes many
   */
  run(values: FlagValues<F>, path: string, paths: readonly string[]): Promise<void>;
}

/** Keys that yargs itself adds, and the flags that every verb has. */
const COMMON = ['_', '$0', 'verbose', 'help', 'h', 'version', 'v'];

function toYargs({ describe, alias, initially, read }: Flag): Options {
  return {
    describe,
    ...(alias ? { alias } : {}),
    ...(initially === undefined ? {} : { defaultDescription: String(initially) }),
    // A flag with a value has no type: `string` would be printed as one, `number` would lose what was typed.
    ...(read ? { requiresArg: true } : { type: 'boolean' }),
  };
}

function checkNames(verb: Verb<Flags>, argv: Readonly<Record<string, unknown>>): void {
  const { name, path, flags } = verb;
  const keys = Object.entries(flags).flatMap(([key, { alias }]) => [key, toKebabCase(key), alias]);
  const known = [...COMMON, ...keys, path?.name];
  const unknown = Object.keys(argv).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const list = Object.keys(flags).map((key) => `--${toKebabCase(key)}`);
    const typed = unknown.length === 1 ? `-${unknown}` : `--${unknown}`;
    throw expected(name, `a flag of ${list.join(', ')}`, typed, `See \`ganx ${name} --help\`.`);
  }
  const extra = Array.isArray(argv._) ? argv._.slice(1) : [];
  if (extra.length === 0) return;
  const what = path ? `one ${path.name}` : 'flags only';
  const got = [...(path ? [argv[path.name]] : []), ...extra].join(' ');
  throw expected(name, what, got, `See \`ganx ${name} --help\`.`);
}

function readFlag(flag: Flag, name: string, value: unknown): unknown {
  if (!flag.read) {
    if (typeof value === 'boolean') return value;
    throw expected(name, 'the switch once', Array.isArray(value) ? value.join(' ') : value);
  }
  if (typeof value === 'string') return flag.read(value, name);
  throw expected(name, 'one value', Array.isArray(value) ? value.join(' ') : value);
}

function readFlags<F extends Flags>(flags: F, argv: Readonly<Record<string, unknown>>): FlagValues<F> {
  const values = Object.entries(flags).flatMap(([key, flag]) => {
    const value = argv[key];
    return value === undefined ? [] : [[key, readFlag(flag, `--${toKebabCase(key)}`, value)]];
  });
  // Each value comes from its own flag's `read`, which entries cannot tell the compiler.
  return Object.fromEntries(values) as FlagValues<F>;
}

/** `<file>`, `[file]` or `<file..>`. */
function showPath({ name, optional, many }: NonNullable<Verb<Flags>['path']>): string {
  const text = many ? `${name}..` : name;
  return optional ? `[${text}]` : `<${text}>`;
}

/** The verb as a command of yargs. Its handler throws GanError `BAD_ARGUMENT` for what it does not understand. */
export function makeCommand<F extends Flags>(verb: Verb<F>): CommandModule {
  const { name, describe, path, flags, examples } = verb;
  return {
    command: path ? `${name} ${showPath(path)}` : name,
    describe,
    builder: (yargs) => {
      // Without `default` yargs would show an empty list as that of a path that may be given several times.
      if (path) yargs.positional(path.name, { type: 'string', describe: path.describe, default: undefined });
      for (const [key, flag] of Object.entries(flags)) yargs.option(toKebabCase(key), toYargs(flag));
      for (const [line, purpose] of examples) yargs.example(`$0 ${line}`, purpose);
      return yargs;
    },
    handler: async (argv) => {
      checkNames(verb, argv);
      const values = readFlags(flags, argv);
      const given = path && argv[path.name];
      const isAbsent = !path || (path.optional && given === undefined);
      const paths = isAbsent ? [] : [given].flat().map((one) => anyPath(name, one));
      await verb.run(values, paths[0] ?? '', paths);
    },
  };
}

function anyPath(verb: string, path: unknown): string {
  if (typeof path === 'string' && path !== '') return path;
  throw expected(verb, 'a path', path, `See \`ganx ${verb} --help\`.`);
}
