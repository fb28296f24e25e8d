/** The files of a checkpoint folder: weights, configuration, tokenizer, templates. Others, such as model cards, are left out. */
export const isCheckpointFile = (name: string): boolean => /\.(safetensors|json|jinja|txt|model)$/.test(name);
