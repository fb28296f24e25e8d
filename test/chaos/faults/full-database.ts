/** The disk of Temporal's database is full for a while. */
import { filling } from '../fault.ts';

export const fault = filling('database', [3_000, 8_000]);
