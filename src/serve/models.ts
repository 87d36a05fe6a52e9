/**
 * The models of a server by name. A file that is replaced is opened and checked beside the one that is served, and
 * takes its place only if it is right; requests under way finish on the model they began with.
 */
import { unwatchFile, watchFile } from 'node:fs';
import { messageOf } from '../core/errors.js';
import type { Metrics } from './metrics.js';
import { openModel, type ServedModel } from './model.js';
import type { ServeSettings } from './options.js';
import { Refusal } from './refusal.js';

/** Where the server's own events go. */
export interface EventLog {
  info(about: object, text: string): void;
  warn(about: object, text: string): void;
}

export interface Models {
  /** In the order of the options; the first is the default. */
  list(): readonly ServedModel[];
  /** @throws Refusal 404 for a name or version that is not served */
  find(name?: string, version?: string): ServedModel;
  /** Looks at a model's file again now. */
  reload(name: string): Promise<void>;
  /** Waits for the last requests and frees everything. */
  close(): Promise<void>;
}

/** Watches by `stat`, which sees replacement by rename, by link and on network drives alike. */
function watch(path: string, everyMs: number, onChange: () => void): () => void {
  if (everyMs === 0) return () => undefined;
  watchFile(path, { interval: everyMs, persistent: false }, onChange);
  return () => unwatchFile(path, onChange);
}

/** @throws GanError as {@link openModel}, for the first file that is not right */
export async function openModels(settings: ServeSettings, log: EventLog, metrics: Metrics): Promise<Models> {
  const served = new Map<string, ServedModel>();
  const busy = new Map<string, Promise<void>>();
  const retiring = new Set<Promise<void>>();
  let isClosed = false;

  const open = (name: string, known?: string) =>
    openModel(name, settings.models[name]!, settings, (rows) => metrics.noteRun(name, rows), known);

  const retire = (model: ServedModel): void => {
    const done = model
      .retire()
      .catch((error: unknown) => log.warn({ model: model.name, reason: messageOf(error) }, 'not disposed'))
      .finally(() => retiring.delete(done));
    retiring.add(done);
  };

  const replace = async (name: string): Promise<void> => {
    const old = served.get(name)!;
    try {
      const next = await open(name, old.digest);
      if (next === undefined) return;
      if (isClosed) return void (await next.retire());
      served.set(name, next);
      metrics.noteReload(name, 'taken');
      log.info({ model: name, version: next.version, replaces: old.version }, 'model reloaded');
      retire(old);
    } catch (error) {
      metrics.noteReload(name, 'refused');
      log.warn({ model: name, reason: messageOf(error), serves: old.version }, 'new model file refused');
    }
  };

  /** One after the other: a file may change again while it is opened. */
  const reload = (name: string): Promise<void> => {
    const next = (busy.get(name) ?? Promise.resolve()).then(() => (isClosed ? undefined : replace(name)));
    busy.set(name, next);
    return next;
  };

  try {
    for (const name of Object.keys(settings.models)) served.set(name, (await open(name))!);
  } catch (error) {
    for (const model of served.values()) await model.retire();
    throw error;
  }
  const watches = Object.entries(settings.models).map(([name, path]) =>
    watch(path, settings.reloadEveryMs, () => void reload(name)),
  );

  return {
    list: () => [...served.values()],
    find: (name = Object.keys(settings.models)[0]!, version) => {
      const model = served.get(name);
      if (model === undefined) throw new Refusal(404, `There is no model of this name.`);
      // Version 1 is whatever is served, for clients that insist on one.
      if (version === undefined || version === '1' || version === model.version) return model;
      throw new Refusal(404, `${name} is served in version ${model.version} alone.`);
    },
    reload,
    close: async () => {
      isClosed = true;
      for (const unwatch of watches) unwatch();
      await Promise.all(busy.values());
      for (const model of served.values()) retire(model);
      await Promise.all(retiring);
    },
  };
}
