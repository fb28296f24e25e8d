/** A question as the JSON body of POST /chat/completions. */
import type { EndpointMessage, EndpointModel, EndpointPart, EndpointQuestion } from '../endpoint.ts';

/** The same bytes for the same question: they are the key of its answer. */
export function chatRequest(
  { model, tokenLimit, omit }: EndpointModel,
  { messages, temperature, topP, seed, tokenCountMax }: EndpointQuestion,
): string {
  const sampling = { temperature, ...(topP !== undefined && { top_p: topP }), seed };
  const sent = Object.entries(sampling).filter(([name]) => !(omit as readonly string[]).includes(name));
  return JSON.stringify({
    ...{ model, messages: messages.map(messageOf) },
    ...Object.fromEntries(sent),
    [tokenLimit]: tokenCountMax,
  });
}

/** Text alone is sent as a string, which every server takes. */
function messageOf({ role, content }: EndpointMessage) {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return { role, content: texts.length === content.length ? texts.join('\n\n') : content.map(partOf) };
}

function partOf(part: EndpointPart) {
  if (part.type === 'text') return part;
  const base64 = Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.byteLength).toString('base64');
  return { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${base64}` } };
}
