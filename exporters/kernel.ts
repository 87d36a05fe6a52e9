/**
 * What a kernel of the tracer is: a function from values and attributes to values, which writes nodes on its way.
 * Attributes are read through a guard, since a name that is misread or overlooked gives wrong numbers in silence.
 */
import { GanError } from '../src/core/errors.js';
import type { Builder } from './builder.js';
import { sameList, type Value } from './value.js';

/** Attributes of one kernel call: a name that is absent, or one that nobody looked at, is an error. */
export class Attributes {
  private readonly kernel: string;
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly seen = new Set<string>();

  constructor(kernel: string, values: Readonly<Record<string, unknown>>) {
    this.kernel = kernel;
    this.values = values;
  }

  /** The attribute's value. @throws GanError `UNSUPPORTED_OP` when tfjs gave none of this name */
  get<T>(name: string): T {
    if (!(name in this.values))
      throw this.refuse(`an attribute \`${name}\``, `only ${Object.keys(this.values).join(', ')}`);
    this.seen.add(name);
    return this.values[name] as T;
  }

  /** The attribute's value, or undefined where this kernel's callers may leave it out. */
  optional<T>(name: string): T | undefined {
    this.seen.add(name);
    return this.values[name] as T | undefined;
  }

  /** Accepts only one value of an attribute (or none at all). */
  only(name: string, allowed: unknown): void {
    const got = this.optional(name);
    const same = Array.isArray(got) && Array.isArray(allowed) ? sameList(got, allowed) : got === allowed;
    if (got !== undefined && got !== null && !same)
      throw this.refuse(`${name} ${JSON.stringify(allowed)}`, got);
  }

  /** @throws GanError `UNSUPPORTED_OP` when an attribute was not looked at */
  finish(): void {
    const unread = Object.keys(this.values).filter(
      (name) => this.values[name] !== undefined && !this.seen.has(name),
    );
    if (unread.length > 0) throw this.refuse('no attribute beside those it knows', unread.join(', '));
  }

  private refuse(what: string, got: unknown): GanError {
    const text = typeof got === 'string' ? got : JSON.stringify(got);
    return new GanError(
      'UNSUPPORTED_OP',
      this.kernel,
      `Expected ${what}, got \`${text}\`. This form of the operation cannot be written as ONNX yet.`,
    );
  }
}

/** A kernel; its exported name is the tfjs kernel's exact name. */
export type Kernel = {
  // A method, so that each kernel may name the inputs that it takes.
  write(inputs: Record<string, Value>, attributes: Attributes, builder: Builder): Value | Value[];
}['write'];
