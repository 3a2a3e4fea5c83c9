/** The phrases that declare a blocker: an agent cannot continue without something that only a person can give. */

const often =
  '(?:(?:currently|still|now|also|completely|fully|therefore|really|simply|just|again|temporarily|first|only|hard|stuck and|unfortunately)\\s+){0,3}';
const stop =
  '\\s*(?:$|[.,;:!)—–]|(?:to(?! be\\b)|for|from|before|in order|so|on|and|or|first|until|here|now|because|that|whether|about)\\b)';
const person =
  '(?:you|the user|the owner|the (?:\\w+ )?team|the (?:repo(?:sitory)? )?(?:owner|maintainers?|admins?)|an? (?:admin|administrator|maintainer|human|person|owner)|someone|a human|ops|security|legal)';
const goOn =
  '(?:proceed|continue|go on|go (?:any )?further|move (?:on|forward)|make (?:any )?(?:further |more )?progress|(?:complete|finish|start|do) (?:this|it|(?:the|my|this|that|any) (?:\\w+ )?(?:task|work|issue|request|ticket|assignment))|do anything|do (?:any )?more)';
const iCannot = `(?:(?:i|we)\\s+${often}(?:can't|cannot|can not|am unable to|am not able to|are unable to)|(?:i'm|we're)\\s+${often}(?:unable|not able) to)\\s+${often}`;
const qualified =
  '(?:(?:an?|the|your|some|valid|more|further|additional|explicit|human|manual|written|final|formal|working|aws|github|npm|database|production|staging|admin|openai|anthropic|stripe|registry|deploy|user)\\s+){0,4}';
const strong = `(?:approval|sign-?off|go-ahead|credentials?|api keys?|(?:personal )?access tokens?|clarification|your (?:input|decision|answer|help|guidance|choice|confirmation|permission|authori[sz]ation|password)|(?:input|decisions?|answers?|feedback|guidance|confirmation|permission|help) from ${person})`;
const weak =
  '(?:access|permissions?|tokens?|secrets?|passwords?|passphrase|login|licen[cs]e|authori[sz]ation|confirmation|(?:\\w+ )?key)';
const purpose = `\\s*(?:to (?:proceed|continue|go on|finish|complete|push|deploy|publish|log in|authenticate|connect)|before (?:i|we|continuing|proceeding|going)|from ${person}|so (?:that )?(?:i|we) can|in order to)\\b`;
const outside =
  "\\s+(?:to|for|on) (?:the |your |this |a |an |our )?(?:[\\w'-]+ ){0,3}?(?:prod\\w*|databases?|db|repo\\w*|servers?|accounts?|registry|vault|bucket|cluster|dashboard|aws|gcp|azure|github|gitlab|jira|vpn|staging|services?|organi[sz]ation|network|internet|console|website)\\b";

/** English declarations of a blocker, at the beginning of a clause. */
export const declarations = [
  `(?:i am|i'm|we are|we're|i remain|(?:this|the) (?:task|work|ticket)(?: is| remains)|work is|progress is|the rest is)\\s+${often}blocked(?=\\s*(?:$|[.,;:!—–]|(?:on|by|until|because|pending|waiting|here|without|at this point|from (?:proceeding|continuing|going))\\b))`,
  `${iCannot}${goOn}(?=\\s*(?:$|[.,;:!)—–]|(?:until|without|because|unless|since|as|due|with (?:this|the|my)|any|here|from here|before|and|at this|for now|further|beyond|on my own|alone|right now|now|while|so)\\b))`,
  `^(?:(?:still )?blocked (?:on|by|until|pending)\\s+(?!nothing|no\\b|nobody|none)|(?:cannot|can't|unable to) ${goOn}(?=\\s*(?:$|[.,;:!—–]|(?:until|without|because|unless|as|since|due)\\b)))`,
  `(?:i\\s+${often}(?:need|require)|^(?:still )?needs?)\\s+${qualified}${strong}(?=${stop})`,
  `we\\s+${often}(?:need|require)\\s+(?:your\\s+)${qualified}${strong.replaceAll('your ', '')}(?=${stop})`,
  `we\\s+${often}(?:need|require)\\s+${qualified}${strong}${purpose}`,
  `i\\s+${often}(?:need|require)\\s+(?:(?!to\\b)[\\w'-]+\\s+){0,4}?${weak}(?:${purpose}|${outside})`,
  `(?:i|we)\\s+${often}(?:need|require)\\s+(?!to\\b)[^.!?]{1,100}? before (?:i|we) can (?:proceed|continue|go on|finish)`,
  `(?:i am|i'm|we are|we're|^(?:still |now |currently )?)\\s*${often}(?:(?:stuck )?waiting (?:on|for)|awaiting)\\s+(?:${qualified}(?:approval|credentials?|clarification|sign-?off|go-ahead|a decision from ${person}|api keys?)(?=${stop})|your (?:approval|decision|answer|reply|response|input|confirmation|go-ahead|credentials?|instructions?|permission|sign-?off|choice|clarification|guidance|api key|token)(?=${stop})|${person} to (?:provide|confirm|approve|decide|answer|grant|share|supply|choose|reply|respond|unlock|merge))`,
  `${iCannot}${goOn}\\s+(?:with (?:this|it|the \\w+) )?(?:without|until|unless)\\b`,
  `(?:i|we)\\s+${often}(?:don't have|do not have|lack|am missing)\\s+[^.!?]{0,80}(?:so|and|therefore|thus)\\s+(?:i |we )?(?:can't|cannot|am unable to)\\s+${goOn}`,
  `there(?:'s| is) nothing (?:more|else|further) (?:i|we) can do (?:until|without|unless|before)`,
].map((source) => new RegExp(source, 'i'));

/** A request for something that the agent needs to continue. It may be a question. */
export const asks =
  /^(?:please|could you|can you)\s+(?:please\s+)?(?:provide|grant|give|share|supply|send|approve|authori[sz]e)\b(?! (?:your )?feedback)[^.!?]{0,160}?\b(?:so (?:that )?(?:i|we) can (?:proceed|continue|go on|finish|complete|push|deploy|publish|test|run|verify|access|start)|before (?:i|we) can|to let (?:me|us)|and (?:i|we)(?:'ll| will| can) (?:then )?(?:proceed|continue|go on|resume|finish)|(?:in order )?to (?:proceed|continue|unblock))\b(?! to\b)/i;
