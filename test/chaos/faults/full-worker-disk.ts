/** The disk of both workers is full for a while. */
import { filling } from '../fault.ts';

export const fault = filling('workers', [3_000, 7_000]);
