/**
 * Parameters in a URL: what they are called, how they are read, and how the OpenAPI document describes them. They are
 * read here and not by a schema compiler, so that a plugin refuses the same things in every host.
 */
import { expected } from '../core/errors.js';

export interface Parameter<T> {
  /** JSON Schema, for the document. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** @throws GanError `BAD_ARGUMENT` */
  readonly read: (text: string, name: string) => T;
}

/** Parameters by name. */
export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** What was given; absent ones are absent. */
export type ParameterValues<P extends Parameters> = {
  readonly [K in keyof P]?: P[K] extends Parameter<infer T> ? T : never;
};

export function wholeNumber(
  description: string,
  minimum: number,
  maximum: number,
  initially?: number,
): Parameter<number> {
  return {
    schema: {
      type: 'integer',
      minimum,
      maximum,
      ...(initially === undefined ? {} : { default: initially }),
      description,
    },
    read: (text, name) => {
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
      throw expected(name, `a whole number from ${minimum} to ${maximum}`, text);
    },
  };
}

export function realNumber(
  description: string,
  minimum: number,
  maximum: number,
  initially: number,
): Parameter<number> {
  return {
    schema: { type: 'number', minimum, maximum, default: initially, description },
    read: (text, name) => {
      const value = /^\d{0,4}(?:\.\d{1,17})?$/.test(text) && text !== '' ? Number(text) : Number.NaN;
      if (value >= minimum && value <= maximum) return value;
      throw expected(name, `a number from ${minimum} to ${maximum}`, text);
    },
  };
}

export function anyText(description: string): Parameter<string> {
  return {
    schema: { type: 'string', minLength: 1, maxLength: 64, description },
    read: (text, name) => {
      if (text.length > 0 && text.length <= 64) return text;
      throw expected(name, 'a text of 1 to 64 characters', text.slice(0, 64));
    },
  };
}

/** The `querystring` of a route's schema. */
export function describeParameters(parameters: Parameters): object {
  const properties = Object.fromEntries(
    Object.entries(parameters).map(([name, { schema }]) => [name, schema]),
  );
  return { type: 'object', properties };
}

/** @throws GanError `BAD_ARGUMENT` for one that is not known, given twice, or not readable */
export function readParameters<P extends Parameters>(parameters: P, query: unknown): ParameterValues<P> {
  const values = Object.entries(query as Record<string, unknown>).map(([name, text]) => {
    if (!Object.hasOwn(parameters, name)) {
      const known = Object.keys(parameters).join(', ');
      throw expected('query', `parameters of ${known}`, name.slice(0, 64));
    }
    if (typeof text !== 'string') throw expected(name, 'one value', text);
    return [name, parameters[name]!.read(text, name)];
  });
  // Each value comes from its own parameter's `read`, which entries cannot tell the compiler.
  return Object.fromEntries(values) as ParameterValues<P>;
}
