import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const bundleFolder = join(tmpdir(), 'mtrl-test-bundles');
