/** Memo of a workflow: the address of the studio, `http://127.0.0.1:8720/`, where whoever started it knows it. */
export const studioMemo = 'MtrlStudio';
