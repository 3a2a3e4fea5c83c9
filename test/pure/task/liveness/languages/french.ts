import type { SpokenSets } from '../../../../support/spoken.ts';

export const french: SpokenSets = {
  first: {
    blocked: [
      'Je ne peux pas aller plus loin : il me manque les identifiants de la base `orders`.',
      'La table `clients_old` n’est plus utilisée mais contient encore 40 000 lignes. Dois-je supprimer la table ?',
      "Merci de me donner accès à l'environnement de préproduction pour que je puisse vérifier la migration.",
      'Il y a deux possibilités : une file ou un verrou. La spécification permet les deux. Laquelle préférez-vous ?',
      'Sans la clé API, je ne peux pas tester l’intégration. Pouvez-vous l’ajouter dans `.env` ?',
      "J'ai besoin d'une décision de votre part : faut-il garder l'ancien point d'accès ?",
      "J'attends votre validation avant de déployer.",
      "Je n'ai pas les droits pour pousser sur `main`, je ne peux donc pas continuer.",
      "Avant que je puisse continuer, quelqu'un doit renouveler le certificat.",
      'Veuillez indiquer laquelle des deux API nous devons garder.',
      'Laquelle des deux API voulez-vous ?',
    ],
    plans: [
      "Je vais d'abord lire l'analyseur, puis écrire un test pour les fichiers vides.",
      "Ensuite, je corrige l'erreur dans `pages()` et je lance les tests.",
      'Je commence par reproduire le plantage.',
      "Plan :\n1. Lire l'analyseur\n2. Écrire un test\n3. Corriger l'erreur",
    ],
    claims: [
      "C'est fait. Tous les tests passent. Voulez-vous que j'ajoute aussi des tests pour l'ancien analyseur ?",
      'La tâche est terminée.',
      "J'ai tout implémenté et les tests sont au vert.",
      "L'implémentation est terminée, il n'y a plus rien à faire.",
    ],
    other: [
      "Pourquoi le test échoue-t-il ? Parce que le cache n'est jamais vidé.",
      'Laquelle des deux variantes est correcte ? Selon la spécification, la première.',
      'Je ne suis pas bloqué, les tests prennent seulement du temps.',
      "Aucun accès n'était nécessaire.",
      "J'étais bloqué par une clé manquante, mais elle est arrivée.",
      "Si les identifiants manquent, l'utilisateur ne peut pas continuer.",
      'La cause est trouvée : le verrou est pris deux fois.',
      'Si vous voulez, je peux aussi nettoyer les imports.',
      "La tâche n'est pas encore terminée, un test échoue.",
      "Le formulaire demande : « Dois-je supprimer l'enregistrement ? »",
      'Tests : 12 réussis, 1 échoué.',
    ],
  },
  apart: {
    blocked: [
      "Il me faut un jeton d'accès au dépôt. Pouvez-vous m'en fournir un ?",
      'Les deux solutions conviennent. Préférez-vous la file ou le verrou ?',
      'Je suis bloqué : le certificat a expiré et seul un administrateur peut le renouveler.',
      'Faut-il vraiment écraser la branche distante ?',
    ],
    plans: ['Je vais regarder le test qui échoue, puis corriger l’arrondi.'],
    claims: ['Tout est terminé, les tests sont verts. Souhaitez-vous que j’ouvre une pull request ?'],
    other: [
      "La limite doit-elle être 10 ou 20 ? J'ai pris 20, comme dans la spécification.",
      "Le message dit : « Vous n'avez pas les droits. »",
      'Peut-on faire plus vite ? Oui, avec un index.',
      'Il manque encore un test pour les listes vides.',
    ],
  },
  traps: {
    blocked: ["Je n'ai pas accès au serveur de production. Merci de m'accorder les droits."],
    plans: ['Je vais maintenant vérifier la configuration.'],
    claims: ['Tout est terminé. Ajoutez votre clé API dans `.env` avant de démarrer le service.'],
    other: [
      'Ajoutez votre clé API dans `.env` avant de démarrer le service.',
      "J'ai besoin de la clé primaire pour la jointure, donc je l'ai ajoutée à la requête.",
      "Le processus n'a pas les droits, il ne peut donc pas écrire le journal.",
      'Il me manque encore un test pour les accès anonymes.',
      'Tout est terminé sauf les tests.',
    ],
  },
  plain: {
    blocked: [
      'La compilation échoue sur le serveur car mon compte y est bloqué. Je ne peux pas continuer sans votre aide.',
      'Le ticket et le test se contredisent : 14 ou 30 jours. Merci de préciser lequel est correct.',
    ],
    plans: ["Je vais d'abord analyser la requête lente.\nEnsuite, j'ajouterai l'index."],
    claims: [
      "L'implémentation est terminée.\n\n- analyseur adapté\n- tests ajoutés\n\nVoulez-vous que je fusionne aussi les commits ?",
    ],
    other: [
      "Le point d'accès répond 403 car le jeton n'a pas le droit `write`. C'est voulu.",
      'Quelle approche ai-je choisie ? La file, car le verrou bloque les lecteurs.',
      'Merci de relire le diff quand vous aurez le temps.',
      "Résumé :\n- le cache est lu deux fois\n- le verrou n'est jamais libéré",
    ],
  },
};
