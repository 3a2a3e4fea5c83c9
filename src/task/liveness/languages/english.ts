import type { Phrases } from './language.ts';

/** Requests and questions. The declarations of blockers are in blocker-patterns.ts. */
export const english: Phrases = {
  spaced: true,
  blocked: [
    'before (?:i|we) can (?:go on|proceed|continue), (?:someone|you|an? \\p{L}+|the \\p{L}+) (?:has|have|needs?|must)',
  ],
  things: [
    '(?:read |write )?access',
    'credentials?',
    '(?:api )?keys?',
    '(?:access )?tokens?',
    'passwords?',
    'permissions?',
    'approvals?',
    'licen[cs]es?',
    'certificates?',
    'secrets?',
    '(?:an?|the) (?:owner|maintainer|admin|administrator)s?(?: of \\p{L}+)?',
  ],
  gives: [
    '(?<=^|[,;:] |so )please (?:give (?:me|us)|grant|provide|share|send (?:me|us)|add(?! an? (?:test|comment))|renew|publish|approve|unlock|invite)',
  ],
  purposes: [
    'so (?:that )?(?:i|we) can',
    'before (?:i|we) can',
    'until then',
    "(?:i|we) (?:cannot|can't|do not have|don't have|am not)",
    '(?:give|grant|send|invite) (?:me|us)',
    'can only be',
  ],
  decides: [
    '(?<=^|[,;:] )please (?:decide|choose|tell me (?:which|whether)|let me know (?:which|whether)|confirm (?:which|whether))',
  ],
  questions: [
    'which\\b.{0,60} (?:do|would) you (?:want|prefer|like)',
    '(?:do|would) you prefer .{1,80} or',
    '(?:should|shall|may|can) i (?:really |now )?(?:delete|drop|overwrite|force-push|wipe|erase|truncate|reset|revoke)',
    '(?:do you want|would you like) me to (?:really )?(?:delete|drop|overwrite|force-push|wipe|erase|truncate|reset|revoke)',
  ],
  offers: ['also', 'as well', 'too', 'in addition'],
  unless: [
    'if',
    'unless',
    'when(?:ever)?',
    'no longer',
    '(?:says?|said|asks?|asked|reads?|shows?|displays?|prints?|the (?:form|dialog|message|prompt|user|page))',
  ],
  overcome: [],
  announces: [],
  claims: [],
  left: [],
};
