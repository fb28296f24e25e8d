/** The store of the failpoints behaves as stores do. */
import { describe } from 'vitest';
import { registrySuite } from '../artifacts/registry-suite.ts';
import { storeSuite } from '../artifacts/store-suite.ts';
import { MemoryObjectStore } from './memory-object-store.ts';

const objects = new MemoryObjectStore();

describe('memory store', () => {
  storeSuite(() => objects);
  registrySuite(() => objects);
});
