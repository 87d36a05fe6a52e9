/**
 * Properties of an element that mirror its attributes, both ways: the attribute holds the value, as HTML's own
 * elements do it. It knows nothing else of the element.
 * https://html.spec.whatwg.org/multipage/common-dom-interfaces.html#reflecting-content-attributes-in-idl-attributes
 */

/** Text: null where the attribute is absent, and setting null removes it. */
const TEXTS = [
  'src',
  'device',
  'label',
  'assets',
  'latent',
  'range',
  'layout',
  'distribution',
  'labels',
] as const;

/** Numbers, with the value that an absent attribute stands for. */
const NUMBERS = { count: 16, seed: 0, truncation: 1 } as const;

/** Numbers that may be absent: then the property is null. */
const MAYBE_NUMBERS = ['columns', 'threads'] as const;

/** The names of all attributes that have a property. */
export const ATTRIBUTES: readonly string[] = [...TEXTS, ...Object.keys(NUMBERS), ...MAYBE_NUMBERS];

/** The properties; one whose attribute should be a number and is none is NaN. */
export type ReflectedProperties = { [name in (typeof TEXTS)[number]]: string | null } & {
  -readonly [name in keyof typeof NUMBERS]: number;
} & { [name in (typeof MAYBE_NUMBERS)[number]]: number | null };

/** Where there is no document (a server that renders pages), the class can be loaded, but not used. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

class ReflectingElement extends Base {
  /** Takes over what was set on the element before its class was there. */
  connectedCallback(): void {
    for (const name of ATTRIBUTES) {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (!early) continue;
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, early.value);
    }
  }
}

function reflect(name: string, read: (text: string | null) => string | number | null): void {
  Object.defineProperty(ReflectingElement.prototype, name, {
    enumerable: true,
    configurable: true,
    get(this: HTMLElement) {
      return read(this.getAttribute(name));
    },
    set(this: HTMLElement, value: unknown) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, String(value));
    },
  });
}

for (const name of TEXTS) reflect(name, (text) => text);
for (const [name, absent] of Object.entries(NUMBERS)) {
  reflect(name, (text) => (text === null ? absent : Number(text)));
}
for (const name of MAYBE_NUMBERS) reflect(name, (text) => (text === null ? null : Number(text)));

/** The base class: an HTMLElement with all {@link ReflectedProperties}. */
export const PropertyElement = ReflectingElement as unknown as new () => ReflectingElement &
  ReflectedProperties;
