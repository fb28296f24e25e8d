/** Applications that call the server: the `openai` client, many requests at once, clients that leave, a promotion. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JudgedRow } from '../../judge/evaluation/judged-row.ts';
import { givenVerdicts } from '../../judge/scoring/read-judgments.ts';
import { localFiles } from '../../judge/datasets/sources/local-files.ts';
import type { Wanted } from '../../serve/policies/served-policy.ts';
import { dataUri, demo, type DemoServer, demoServer, judgeRow, type WorldRow, worldRows } from './demo-server.ts';

let server: DemoServer;
let rows: WorldRow[];
let client: OpenAI;

beforeAll(async () => {
  server = await demoServer();
  rows = await worldRows('safety', 10);
  client = new OpenAI({ baseURL: `${server.address}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.close());

/** The demo's prompt of the task, as a chat. */
function messagesOf({ pictures: [picture = new Uint8Array()] }: WorldRow): OpenAI.ChatCompletionMessageParam[] {
  const url = dataUri(picture);
  return [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'image' },
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: `is it safe ? ${demo.parsed.modeWords.think}` },
      ],
    },
  ];
}

async function judgedAlone(row: WorldRow): Promise<JudgedRow> {
  return (await server.post('/v1/judge', { task: 'safety', ...judgeRow(row) })).body;
}

describe('the openai client', () => {
  const base = { model: 'demo', temperature: 0 } as const;

  it('gets the answers of /v1/judge for its prompts', async () => {
    for (const row of rows.slice(0, 4)) {
      const completion = await client.chat.completions.create({ ...base, messages: messagesOf(row) });
      const [choice] = completion.choices;
      expect([choice?.message.content]).toEqual((await judgedAlone(row)).answers);
      expect(choice?.finish_reason).toBe('stop');
    }
  });

  it('gets the same text in a stream, with log-probs that sum to no more than 1, and the usage', async () => {
    const [row] = rows as [WorldRow];
    const asked = { ...base, messages: messagesOf(row), logprobs: true } as const;
    const whole = await client.chat.completions.create(asked);
    const stream = await client.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const [choice] = whole.choices;
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(choice?.message.content);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    const tokens = choice?.logprobs?.content ?? [];
    expect(tokens.map(({ token }) => token).join('')).toBe(choice?.message.content);
    expect(tokens.every(({ logprob }) => logprob <= 0)).toBe(true);
  });

  it('gets sampled answers in a stream byte for byte as the whole ones', async () => {
    const [row] = rows as [WorldRow];
    const asked = { model: 'demo', messages: messagesOf(row), n: 2, temperature: 2, seed: 4, max_tokens: 150 } as const;
    const whole = await client.chat.completions.create(asked);
    const stream = await client.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    for await (const { choices, usage } of stream) {
      for (const { index, delta } of choices) texts[index] = `${texts[index] ?? ''}${delta.content ?? ''}`;
      if (usage) expect(usage).toEqual(whole.usage);
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
  });

  it('draws by seed: equal seeds give equal choices, and a choice ends before a stop', async () => {
    const [row] = rows as [WorldRow];
    const asked = { model: 'demo', messages: messagesOf(row), n: 4, temperature: 1.5 } as const;
    const create = async (more: object) => (await client.chat.completions.create({ ...asked, ...more })).choices;
    const texts = async (seed: number, more: object = {}) =>
      (await create({ seed, ...more })).map(({ message }) => message.content);
    const [one, again, two] = [await texts(1), await texts(1), await texts(2)];
    expect(one).toHaveLength(4);
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
    // Asked together, as each alone.
    expect(await Promise.all([texts(1), texts(2), texts(1)])).toEqual([one, two, one]);
    const stop = one[0]?.split(' ')[1] ?? '';
    expect((await texts(1, { stop }))[0]).toBe(one[0]?.slice(0, one[0].indexOf(stop)));
    const [short] = await create({ seed: 1, max_tokens: 2 });
    expect(short?.finish_reason).toBe('length');
  });

  it('tells errors by their class', async () => {
    const [row] = rows as [WorldRow];
    const messages = messagesOf(row);
    await expect(client.chat.completions.create({ model: 'gpt-4', messages })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    await expect(
      client.chat.completions.create({ ...base, messages, response_format: { type: 'json_object' } }),
    ).rejects.toMatchObject({ status: 400, param: 'response_format.type' });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['demo']);
  });
});

describe('orders and votes', () => {
  it('asks the orders that are wanted, and makes a tie of those that disagree', async () => {
    const pairs = (await worldRows('pair-alignment', 12)).map(judgeRow);
    const ask = async (changes: object): Promise<JudgedRow[]> => {
      const { body } = await server.post('/v1/judge', { task: 'pair-alignment', rows: pairs, ...changes });
      return (body as { data: JudgedRow[] }).data;
    };
    const [both, fixed, random] = [
      await ask({ ordering: 'both' }),
      await ask({ ordering: 'fixed' }),
      await ask({ ordering: 'random', seed: 5 }),
    ];
    for (const [i, { answers, verdict, agreement }] of both.entries()) {
      expect(answers).toHaveLength(2);
      // The same place in both orders is another candidate.
      const [first, second] = answers.map((text) => /<answer> (first|second) <.answer>/.exec(text)?.[1]);
      const isTie = first !== undefined && first === second;
      expect([verdict === 'tie', agreement]).toEqual([isTie, first !== undefined && second !== undefined && !isTie]);
      expect(fixed[i]?.answers).toEqual(answers.slice(0, 1));
      expect(answers).toContain(random[i]?.answers[0]);
    }
    expect(both.some(({ verdict }) => verdict === 'tie')).toBe(true);
    expect(await ask({ ordering: 'random', seed: 5 })).toEqual(random);
  });

  it('guarantees a verdict: the most probable label where the answer cannot be read', async () => {
    const short = { ...demo.parsed, evaluation: { ...demo.parsed.evaluation, tokenCountMax: 4 } };
    const cut = await demoServer({ find: () => Promise.resolve({ name: 'demo', recipe: short, mode: 'think' }) });
    const ask = async (changes: object): Promise<JudgedRow[]> => {
      const { body } = await cut.post('/v1/judge', { task: 'safety', rows: rows.map(judgeRow), ...changes });
      return (body as { data: JudgedRow[] }).data;
    };
    const [free, constrained] = [await ask({}), await ask({ constrained: true })];
    for (const [i, { likeliest, answers }] of constrained.entries()) {
      expect(free[i]).toMatchObject({ verdict: null, unparsable: 'truncated', answers });
      const said = /^<think>(.*?)(?:<.think>|$)/.exec(answers[0] ?? '')?.[1]?.trim();
      expect(constrained[i]).toMatchObject({ verdict: likeliest, rationale: said, constrained: true });
      expect(constrained[i]).not.toHaveProperty('unparsable');
    }
    // After the words that it has said, not before them.
    expect(constrained.map(({ probabilities }) => probabilities)).not.toEqual(free.map((row) => row.probabilities));
    const whole = { task: 'safety', ...judgeRow(rows[0] as WorldRow), constrained: true };
    const { answers, verdict, probabilities } = await judgedAlone(rows[0] as WorldRow);
    expect((await server.post('/v1/judge', whole)).body).toMatchObject({ answers, verdict, probabilities });
    await cut.close();
  });

  it('counts the votes of samples', async () => {
    const asked = { task: 'safety', ...judgeRow(rows[0] as WorldRow), votes: 8, seed: 3, temperature: 2 };
    const { body } = await server.post('/v1/judge', asked);
    const { votes, answers, verdict } = body as { votes: Record<string, number>; answers: string[]; verdict: string };
    expect(answers).toHaveLength(8);
    const counts = Object.values(votes);
    if (counts.filter((count) => count === Math.max(...counts)).length === 1)
      expect(votes[verdict]).toBe(Math.max(...counts));
    const again = await server.post('/v1/judge', asked);
    expect(again.body).toMatchObject({ votes, answers, verdict, cached: true });
  });
});

it('records every judgment so that `mtrl score` reads it', async () => {
  const row = { ...(rows[9] as WorldRow), id: 'recorded' };
  const judged = await judgedAlone(row);
  const file = join(server.folder, 'audit', 'judgments', 'safety.jsonl');
  const found = [];
  for await (const verdict of givenVerdicts(file, { id: 'id', verdicts: ['answers'] }, localFiles))
    if ('rowId' in verdict && verdict.rowId === 'recorded') found.push(verdict);
  expect(found).toMatchObject([{ order: 0, text: judged.answers[0], latency: expect.any(Number) as number }]);
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain('base64');
});

/** The process id of a compute process that this process has started. */
async function computeProcess(): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [status, command] = await Promise.all(
      ['status', 'cmdline'].map((file) => readFile(join('/proc', pid, file), 'utf8').catch(() => '')),
    );
    if (status?.includes(`PPid:\t${process.pid}\n`) && command?.includes('embedded/process')) return Number(pid);
  }
  throw new Error('no compute process');
}

it('answers all of 32 requests once when the compute process is killed in the middle of them', async () => {
  const asked = Array.from({ length: 32 }, (_, i) => {
    const row = judgeRow(rows[i % rows.length] as WorldRow);
    return server.post('/v1/judge', { task: 'safety', ...row, fields: { killed: i } });
  });
  await Promise.race(asked);
  process.kill(await computeProcess(), 'SIGKILL');
  const answers = await Promise.all(asked);
  const alone = await Promise.all(rows.map(judgedAlone));
  for (const [i, { status, body }] of answers.entries()) {
    const { answers: said, probabilities } = alone[i % rows.length] as JudgedRow;
    expect({ status, body }).toMatchObject({ status: 200, body: { answers: said, probabilities } });
  }
  const records = (await readFile(join(server.folder, 'audit', 'judgments', 'safety.jsonl'), 'utf8')).split('\n');
  for (let i = 0; i < 32; i++)
    expect(records.filter((record) => record.includes(`"fields":{"killed":${String(i)}}`))).toHaveLength(1);
});

it('refuses more requests than it may answer at once, and says when to come again', async () => {
  const small = await demoServer({ limits: { requestCountMax: 2 } });
  const asked = { task: 'safety', ...judgeRow(rows[0] as WorldRow) };
  const answers = await Promise.all(Array.from({ length: 8 }, () => small.post('/v1/judge', asked)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).toBe(true);
  expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(8);
  await small.close();
});

it('takes over a promoted version without dropping a request, and answers all of them before it ends', async () => {
  let wanted: Wanted = { name: 'judge', recipe: demo.parsed, mode: 'think', version: 1 };
  const promoting = await demoServer({ find: () => Promise.resolve(wanted), mayChange: true, lookMs: 5 });
  const versions = new Set<unknown>();
  const ask = async (i: number): Promise<number> => {
    const body = { task: 'safety', ...judgeRow(rows[0] as WorldRow), fields: { n: i } };
    const answer = await promoting.post('/v1/judge', body);
    versions.add((answer.body as { version: unknown }).version);
    return answer.status;
  };
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i)));
  wanted = { ...wanted, version: 2 };
  for (let i = 20; !versions.has(2); i++) statuses.push(await ask(i));
  const last = Array.from({ length: 10 }, (_, i) => ask(1_000 + i));
  await expect.poll(async () => (await fetch(`${promoting.address}/metrics`)).text()).toMatch(/in_flight 10\n/);
  await Promise.all([promoting.close(), ...last]);
  statuses.push(...(await Promise.all(last)));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(versions).toEqual(new Set([1, 2]));
});
