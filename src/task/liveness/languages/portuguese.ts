import type { Phrases } from './language.ts';

const strong = '(?:aprovação|autorização|credenciais|decisão|confirmação)';
const thing = `(?:${strong}|acesso|permiss(?:ão|ões)|tokens?|chaves? (?:de api|api|de acesso)|senhas?|licença|certificado)`;
const goOn = '(?:continuar|prosseguir|avançar|seguir)';
const gone =
  '(?:exclu(?:ir|a|o)|apag(?:ar|ue|o)|delet(?:ar|e|o)|sobrescrev(?:er|a|o)|redefin(?:ir|a|o)|publi(?:car|que|co)|implant(?:ar|e|o)|esvaziar)';
const soon = '(?:primeiro|em seguida|agora|depois|então)';
const verbs =
  '(?:ler|verificar|corrigir|executar|escrever|criar|adicionar|atualizar|analisar|olhar|investigar|testar|implementar|revisar|começar|examinar|rodar|modificar|abrir|explorar|reproduzir|procurar)';

export const portuguese: Phrases = {
  spaced: true,
  blocked: [
    '(?:estou|fiquei) (?:\\p{L}+ )?bloquead[oa]',
    `não (?:posso|consigo|poderei) (?:\\p{L}+ )?${goOn}`,
    `(?:me faltam?|faltam?-me) (?:\\p{L}+ ){0,2}${thing}`,
    `sem .{0,40}?${thing}.{0,30} não (?:posso|consigo)`,
    'não tenho (?:(?:a|o|as|os) )?(?:permiss(?:ão|ões)|acesso|credenciais|autorização)',
    'preciso que você (?:me )?(?:decida|aprove|confirme|escolha|dê)',
    `preciso d(?:e|a|o|as|os) (?:(?:sua|seu|uma|um) )?(?:${strong}|acesso|permissão)`,
    `(?:aguardando|aguardo|esperando|espero) (?:a )?(?:sua|tua) ${strong}`,
    `antes (?:que eu possa|de (?:eu )?poder) ${goOn}`,
  ],
  things: [thing, '(?:administrador|proprietário)(?:a|es|as|s)?'],
  gives: [
    'por favor,? (?:me )?(?:dê|forneça|conceda|adicione|envie|renove|aprove|publique|compartilhe)',
    '(?:pode|poderia|você pode|você poderia) .{0,20}?(?:dar|fornecer|conceder|adicionar|enviar|renovar|aprovar|publicar)\\p{L}*',
  ],
  purposes: [
    'para que eu possa',
    'não (?:posso|consigo)',
    'me (?:dê|forneça|conceda|envie|adicione|fornecer|dar|enviar)',
    'só (?:um|uma|o|a)',
  ],
  decides: ['por favor,? (?:me )?(?:diga|indique|informe|decida|escolha|confirme) .{0,20}?(?:qual|se)'],
  questions: [
    'qual .{0,60}(?:prefere|você quer|deseja)',
    'prefere .{1,80} ou',
    `(?:devo|posso|quer que eu|deseja que eu) (?:\\p{L}+ )?${gone}`,
  ],
  offers: ['também', 'além disso', 'ainda'],
  unless: [
    '(?<=^|[,;:] |e |mas )se',
    'quando',
    'não (?:estou|está|foi|é)',
    'já não',
    'estava',
    'estive',
    'o usuário',
    'os usuários',
    '(?:pergunta|diz|mostra):?',
    'nenhuma?',
    'nunca',
  ],
  overcome: ['mas', 'então (?:usei|fiz)', 'resolvido'],
  announces: [
    `(?:${soon},? )?(?:vou|irei|vamos|deixe-me) (?:${soon} )?${verbs}`,
    `(?:${soon},? )?(?:começarei|lerei|corrigirei|executarei|escreverei|verificarei|implementarei|criarei|testarei)`,
  ],
  claims: [
    '(?:tudo )?(?:pront|feit|concluíd|terminad)[oa](?=\\s*(?:$|[.,;:!)—–]))',
    '(?:a tarefa|o trabalho|a implementação|a mudança|tudo) (?:já )?(?:está|foi|fica) (?:concluíd|finalizad|pront|terminad|complet|feit)[oa](?=\\s*(?:$|[.,;:!)—–]|e ))',
    '(?:implementei|concluí|terminei|fiz|corrigi) tudo',
  ],
  left: ['exceto', 'com exceção', 'ainda', 'falha', 'falhou', 'faltam?'],
};
