/** The forms of convolutions by name, and what all kernels of convolutions need beside them. */
import type { Form } from '../form.js';
import type { ConvolutionForm } from './form.js';
import { operators } from './operators.js';
import { products } from './products.js';

export { readGeometry } from './geometry.js';
export { writeFilterGradient } from './products.js';

/** How each form writes convolutions. */
export const convolutionForms: Readonly<Record<Form, ConvolutionForm>> = { operators, products };
