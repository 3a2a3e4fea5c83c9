/** How the demo's agent is started and read: an example of a mapping for an unknown CLI (docs/agents/presets-and-mappings.md). */
export const demoMapping = {
  command: 'demo-agent',
  start: { args: ['start', 'demo-1'] },
  resume: { args: ['resume', '{{session}}'] },
  needsResult: true,
  rules: [
    { when: { type: 'session' }, session: { id: 'id' } },
    { when: { type: 'words' }, message: { text: 'text' } },
    { when: { type: 'run' }, tool: { id: 'id', kind: 'command', command: 'command' } },
    { when: { type: 'ran' }, toolEnd: { id: 'id', exitCode: 'exit' } },
    { when: { type: 'edit' }, tool: { id: 'id', kind: 'write', file: 'file' } },
    { when: { type: 'edited' }, toolEnd: { id: 'id' } },
    { when: { type: 'done' }, result: {} },
  ],
};
