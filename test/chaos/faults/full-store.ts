/** The disk of the store is full for a while. */
import { filling } from '../fault.ts';

export const fault = filling('store', [3_000, 8_000]);
