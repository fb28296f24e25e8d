/** Asks an endpoint: prompts as messages with encoded images, one request for each answer, some at a time. */
import pMap from 'p-map';
import type { ArtifactRef } from '../../../artifacts/ref.ts';
import { required } from '../../../core/assert.ts';
import type { ChatMessage } from '../../../core/chat-message.ts';
import type { Asked } from '../../../judge/evaluation/probes.ts';
import type { AnswerMode } from '../../../judge/example.ts';
import type { ModeWords } from '../../../judge/tasks/prompt.ts';
import { webImage } from '../../../judge/tasks/web-image.ts';
import type { Endpoint, EndpointMessage, EndpointPart } from '../../../policy/engines/endpoint.ts';
import type { Sampling } from '../../../policy/engine.ts';
import type { TaskSpec } from '../../../recipes/recipe.ts';
import { type AskedMessages, askedMessages } from '../prompts/asked-messages.ts';
import type { Asker, Questions, SaidAnswer } from '../asker.ts';
import type { KeptEndpointAnswers } from './kept-endpoint-answers.ts';
import type { Spending } from './spending.ts';

export interface EndpointAsking {
  readonly endpoint: Pick<Endpoint, 'requestOf'>;
  readonly kept: KeptEndpointAnswers;
  readonly spending: Spending;
  readonly requestCountMax: number;
  /** The encoded image of a digest. */
  readonly read: (digest: string) => Promise<Uint8Array>;
  readonly spec: TaskSpec;
  readonly modeWords: ModeWords;
  readonly seed: number;
  readonly stopSequences: readonly string[];
}

export interface EndpointAsker extends Asker {
  /** Manifests of all answers so far, in an order that does not depend on that of their arrival. */
  readonly answered: () => readonly ArtifactRef[];
}

export function endpointAsker(asking: EndpointAsking): EndpointAsker {
  const { spec, modeWords, read } = asking;
  const answered = new Map<string, ArtifactRef>();
  const questions = (asked: readonly Asked[], mode: AnswerMode): Promise<Questions> => {
    const messagesOf = (one: Asked) => askedMessages(one, mode, modeWords, read);
    // A prompt that cannot be rendered is found before the first is paid for.
    for (const one of asked) messagesOf(one);
    return Promise.resolve({
      answers: (sampling, sampleCount) => allAnswers(asking, answered, asked, messagesOf, sampling, sampleCount),
    });
  };
  return {
    lacks: { labelProbabilities: 'an endpoint gives no probabilities of given labels' },
    ofExamples: (examples, mode) =>
      questions(
        examples.map((example) => ({ example, spec, isBlank: false })),
        mode,
      ),
    ofChanged: questions,
    answered: () => [...answered.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1)),
  };
}

/** After a failure no further request is sent; those in flight are awaited, because their answers are paid for. */
async function allAnswers(
  asking: EndpointAsking,
  answered: Map<string, ArtifactRef>,
  asked: readonly Asked[],
  messagesOf: (one: Asked) => AskedMessages,
  sampling: Sampling,
  sampleCount: number,
): Promise<SaidAnswer[][]> {
  const { kept, spending, requestCountMax, stopSequences } = asking;
  const failures: unknown[] = [];
  const said = asked.map((): SaidAnswer[] => []);
  const each = Array.from({ length: asked.length * sampleCount }, (_, i) => i);
  await pMap(
    each,
    async (i) => {
      if (failures.length > 0) return;
      const [question, sample] = [Math.floor(i / sampleCount), i % sampleCount];
      try {
        const request = await requestOf(asking, messagesOf(required(asked[question], 'a question')), sampling, sample);
        const { answer, ref } = await kept.to(request, sample, () => {
          spending.requireLeft();
        });
        const isNew = ref === undefined || !answered.has(ref.uri);
        if (ref !== undefined) answered.set(ref.uri, ref);
        if (isNew) spending.add(answer);
        required(said[question], 'a question')[sample] = endedAt(answer, stopSequences);
      } catch (error) {
        failures.push(error);
      }
    },
    { concurrency: requestCountMax },
  );
  if (failures.length > 0) throw failures[0];
  return said;
}

async function requestOf(
  { endpoint, seed }: EndpointAsking,
  { messages, files }: AskedMessages,
  { temperature, greedy, topP, tokenCountMax }: Sampling,
  sample: number,
): Promise<string> {
  const images = files.values();
  const sent: EndpointMessage[] = [];
  for (const message of messages) sent.push(await messageOf(message, images));
  return endpoint.requestOf({
    messages: sent,
    temperature: greedy ? 0 : temperature,
    ...(topP !== undefined && { topP }),
    // Samples of one question with one seed would be the same answer.
    seed: seed + sample,
    tokenCountMax,
  });
}

async function messageOf(
  { role, content }: ChatMessage,
  images: Iterator<() => Promise<Uint8Array>>,
): Promise<EndpointMessage> {
  const parts: EndpointPart[] = [];
  for (const part of content) {
    if (part.type === 'text') parts.push({ type: 'text', text: part.text });
    else {
      const read = images.next().value as (() => Promise<Uint8Array>) | undefined;
      parts.push({ type: 'image', ...(await webImage(await required(read, 'an image for every part')())) });
    }
  }
  return { role, content: parts };
}

/**
 * The answer up to its first stop sequence, which is part of it as it is for an engine. Servers leave the sequence out
 * and do not say which it was, so it is not sent to them.
 */
function endedAt({ text, finishReason, refusal }: SaidAnswer, stopSequences: readonly string[]): SaidAnswer {
  const ends = stopSequences.flatMap((stop) => {
    const at = text.indexOf(stop);
    return at < 0 ? [] : [at + stop.length];
  });
  const refused = refusal && { refusal };
  if (ends.length === 0) return { text, finishReason, ...refused };
  return { text: text.slice(0, Math.min(...ends)), finishReason: 'stop', ...refused };
}
