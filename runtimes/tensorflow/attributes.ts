/**
 * The attributes of one ONNX node as plain values, and the rules that say which of them an operator understands.
 * An attribute that no rule names is refused: ignoring it would compute something else in silence.
 * https://onnx.ai/onnx/repo-docs/IR.html#attributes
 */
import type { onnx } from 'onnx-proto';
import { type Constant, readConstant } from './constants.js';

/** A number, a string, a list of numbers, or a tensor. */
export type AttributeValue = number | string | readonly number[] | Constant;

/** `any`, or the only values (written as JSON) with which the operator is understood. */
export type AttributeRule = 'any' | readonly (number | string | readonly number[])[];

/** Attributes by name, read with a default as the operator's page states it. */
export class Attributes {
  private readonly values: ReadonlyMap<string, AttributeValue | undefined>;

  constructor(protos: readonly onnx.IAttributeProto[]) {
    this.values = new Map(protos.map((proto) => [proto.name ?? '', readValue(proto)]));
  }

  /** What stands against `rules`, as `name=value`; empty when everything is understood. */
  findUnknown(rules: Readonly<Record<string, AttributeRule>>, required: readonly string[] = []): string[] {
    const unknown = required.filter((name) => !this.values.has(name)).map((name) => `${name}=default`);
    for (const [name, value] of this.values) {
      const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
      const json = JSON.stringify(value);
      const known =
        value !== undefined && (rule === 'any' || rule?.some((one) => JSON.stringify(one) === json));
      if (!known) unknown.push(`${name}=${json}`);
    }
    return unknown;
  }

  number(name: string, fallback: number): number {
    const value = this.values.get(name);
    return typeof value === 'number' ? value : fallback;
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.values.get(name);
    return Array.isArray(value) ? value : undefined;
  }

  constant(name: string): Constant | undefined {
    const value = this.values.get(name);
    return typeof value === 'object' && 'data' in value ? value : undefined;
  }
}

/** undefined for the types that no known operator has (graphs, strings, sparse tensors). */
function readValue(proto: onnx.IAttributeProto): AttributeValue | undefined {
  // The numbers of AttributeProto.AttributeType.
  switch (proto.type) {
    case 1:
      return proto.f ?? 0;
    case 2:
      return Number(proto.i ?? 0);
    case 3:
      return new TextDecoder().decode(proto.s ?? new Uint8Array());
    case 4:
      return proto.t ? readConstant(proto.t) : undefined;
    case 6:
      return proto.floats ?? [];
    case 7:
      return (proto.ints ?? []).map(Number);
    default:
      return undefined;
  }
}
