import type { SpokenSets } from '../../../../support/spoken.ts';

export const portuguese: SpokenSets = {
  first: {
    blocked: [
      'Não consigo avançar: faltam-me as credenciais do banco `orders`.',
      'A tabela `clientes_old` não é mais usada, mas ainda tem 40.000 linhas. Devo excluir a tabela?',
      'Por favor, me dê acesso ao ambiente de staging para que eu possa verificar a migração.',
      'Há duas opções: uma fila ou um bloqueio. A especificação permite ambas. Qual das duas você prefere?',
      'Sem a chave de API não posso testar a integração. Você pode adicioná-la ao `.env`?',
      'Preciso que você decida se o endpoint antigo fica.',
      'Estou aguardando sua aprovação para fazer o deploy.',
      'Não tenho permissão para fazer push em `main`, então não posso continuar.',
      'Antes que eu possa continuar, alguém precisa renovar o certificado.',
      'Estou bloqueado: preciso das credenciais de produção.',
      'Qual das duas APIs você quer?',
    ],
    plans: [
      'Vou primeiro ler o parser e depois escrever um teste para arquivos vazios.',
      'Em seguida, vou corrigir o erro em `pages()` e executar os testes.',
      'Começarei reproduzindo a falha.',
      'Próximos passos:\n1. Ler o parser\n2. Escrever um teste\n3. Corrigir o erro',
    ],
    claims: [
      'Pronto. Todos os testes passam. Quer que eu adicione também testes para o parser antigo?',
      'A tarefa está concluída.',
      'Implementei tudo e os testes estão passando.',
      'O trabalho está finalizado, não há mais nada a fazer.',
    ],
    other: [
      'Por que o teste falha? Porque o cache nunca é limpo.',
      'Qual das duas variantes está correta? Segundo a especificação, a primeira.',
      'Não estou bloqueado, os testes só demoram.',
      'Nenhum acesso foi necessário.',
      'Eu estava bloqueado por uma chave que faltava, mas ela já chegou.',
      'Se as credenciais faltarem, o usuário não pode continuar.',
      'Encontrei a causa: o bloqueio é obtido duas vezes.',
      'Se quiser, também posso limpar os imports.',
      'A tarefa ainda não está concluída, um teste falha.',
      'O formulário pergunta: “Devo excluir o registro?”',
      'Testes: 12 passaram, 1 falhou.',
    ],
  },
  apart: {
    blocked: [
      'Falta-me um token para acessar o repositório. Pode me fornecer um?',
      'As duas soluções atendem aos critérios. Você prefere a fila ou o bloqueio?',
      'O certificado expirou e só um administrador pode renová-lo; não posso continuar até lá.',
      'Posso sobrescrever o branch remoto?',
    ],
    plans: ['Vou olhar o teste que falha e depois corrigir o arredondamento.'],
    claims: ['Tudo pronto, os testes estão verdes. Devo abrir um pull request?'],
    other: [
      'O limite deve ser 10 ou 20? Usei 20, como na especificação.',
      'A mensagem diz: “Você não tem permissão”.',
      'Dá para ser mais rápido? Sim, com um índice.',
      'Falta um teste para listas vazias.',
    ],
  },
  traps: {
    blocked: ['Não tenho acesso ao servidor de produção. Por favor, conceda-me permissão.'],
    plans: ['Agora vou verificar a configuração.'],
    claims: ['Tudo pronto. Adicione sua chave de API ao `.env` antes de iniciar o serviço.'],
    other: [
      'Adicione sua chave de API ao `.env` antes de iniciar o serviço.',
      'Preciso da chave primária para a junção, por isso a adicionei à consulta.',
      'O processo não tem permissão e não pode gravar o log.',
      'Falta-me um teste para o acesso anônimo.',
      'Tudo pronto, exceto os testes.',
    ],
  },
  plain: {
    blocked: [
      'A compilação falha no servidor porque minha conta está bloqueada lá. Não consigo continuar sem a sua ajuda.',
      'O ticket e o teste se contradizem: 14 ou 30 dias. Por favor, diga qual está correto.',
    ],
    plans: ['Primeiro vou analisar a consulta lenta.\nDepois vou adicionar o índice.'],
    claims: [
      'A implementação está concluída.\n\n- parser adaptado\n- testes adicionados\n\nQuer que eu também junte os commits?',
    ],
    other: [
      'O endpoint responde 403 porque o token não tem a permissão `write`. É o esperado.',
      'Qual abordagem eu escolhi? A fila, porque o bloqueio para os leitores.',
      'Por favor, revise o diff quando tiver tempo.',
      'Resumo:\n- o cache é lido duas vezes\n- o bloqueio nunca é liberado',
    ],
  },
};
