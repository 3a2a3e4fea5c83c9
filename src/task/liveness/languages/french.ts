import type { Phrases } from './language.ts';

const thing =
  "(?:identifiants?|accès|droits?|permissions?|autorisations?|jetons?(?: d'accès)?|tokens?|clés? (?:d'api|api|d'accès|secrète)|mots? de passe|licence|certificat|approbation|accord|validation|décision|confirmation|secret)";
const goOn = '(?:continuer|poursuivre|avancer|aller plus loin)';
const gone = '(?:supprimer?|effacer?|écraser?|réinitialiser?|vider?|publier|publie|déployer|déploie|forcer)';
const soon = "(?:ensuite|d'abord|maintenant|puis|à présent|bon)";

export const french: Phrases = {
  spaced: true,
  blocked: [
    'je suis (?:(?!pas |plus )\\p{L}+ )?bloquée?',
    `je ne (?:peux|pourrai|puis) (?:\\p{L}+ ){0,2}(?:pas|plus) (?:\\p{L}+ )?${goOn}`,
    `je ne peux (?:\\p{L}+ ){0,2}rien faire`,
    `(?:il me manque|me manquent|il me faut) (?:\\p{L}+ ){0,2}(?:l')?${thing}`,
    `sans .{0,40}?${thing}.{0,30}, je ne (?:peux|pourrai) pas`,
    `j'ai besoin (?:de |d'|du |des )(?:\\p{L}+ ){0,1}(?:l')?${thing}`,
    `j'attends (?:(?:votre|ton|ta|vos|une|un|la|le|les) |l')(?:${thing}|feu vert)`,
    `je n'ai pas (?:(?:les|le|la|de|des) |l'|d')?(?:droits?|accès|permissions?|autorisations?|identifiants)`,
    `avant (?:que je puisse|de pouvoir) ${goOn}`,
  ],
  things: [thing, '(?:administrateur|propriétaire|mainteneur)s?'],
  gives: [
    '(?:merci de|veuillez|pouvez-vous|pourriez-vous|peux-tu|pourrais-tu) .{0,40}?(?:donner|fournir|accorder|ajouter|envoyer|renouveler|approuver|publier|transmettre)',
  ],
  purposes: [
    '(?:pour|afin) que je puisse',
    'je ne (?:peux|pourrai|puis)',
    'me (?:donner|fournir|accorder|transmettre)',
    "m'(?:en )?(?:accorder|envoyer|ajouter|fournir)",
    'seuls? (?:un|une|le|la|les)',
  ],
  decides: [
    '(?:merci de|veuillez|pouvez-vous|peux-tu) .{0,20}?(?:indiquer|préciser|choisir|décider|confirmer) .{0,20}?(?:laquelle|lequel|quelle?|si)',
    '(?:dites-moi|indiquez-moi|dis-moi) (?:laquelle|lequel|quelle?|si)',
  ],
  questions: [
    '(?:laquelle|lequel|quelle?) ?.{0,60}(?:préfér\\p{L}+|préfères|voulez-vous|veux-tu|souhaitez-vous|souhaites-tu)',
    '(?:préférez-vous|préfères-tu) .{1,80} ou',
    `(?:dois-je|faut-il|puis-je) (?:\\p{L}+ ){0,2}${gone}`,
    `(?:voulez-vous|veux-tu|souhaitez-vous) que j(?:e |')(?:\\p{L}+ ){0,2}(?:supprime|efface|écrase|réinitialise|vide|publie|déploie)`,
  ],
  offers: ['aussi', 'également', 'en plus'],
  unless: [
    '(?<=^|[,;:] |et |mais )si',
    "s'ils?",
    'quand',
    'dès que',
    'sauf',
    'ne suis (?:pas|plus)',
    "j'étais",
    'était',
    'étaient',
    "l'utilisateur",
    'les utilisateurs',
    '(?:demande|dit|affiche|indique) :',
    "n'(?:est|était) (?:pas|plus) nécessaire",
    'aucune?',
    'déjà',
  ],
  overcome: ['mais', "(?:donc|alors),? j'ai", "j'ai (?:donc|alors)", 'réglé', 'résolu'],
  announces: [
    `(?:${soon},? )?(?:je vais|nous allons|laissez-moi|permettez-moi de) (?:${soon} )?(?:inspecter|vérifier|regarder|examiner|lire|commencer|implémenter|corriger|tester|mettre à jour|créer|ajouter|analyser|lancer|exécuter|ouvrir|modifier|écrire|explorer|étudier|reproduire|chercher)`,
    `${soon},? je (?:corrige|lance|vérifie|lis|écris|commence|teste|modifie|crée|ajoute|analyse|regarde|examine|cherche|reproduis)`,
    `${soon},? (?:je |j')\\p{L}+erai`,
    'je commence(?:rai)? par',
  ],
  claims: [
    "(?:c'est|tout est|tout a été|voilà, c'est|la tâche est|le travail est|l'implémentation est)\\s+(?:maintenant |désormais )?(?:terminée?|faite?|finie?|en place|prête?)(?=\\s*(?:$|[.,;:!)—–]))",
    '(?:terminé|fini)(?=\\s*(?:$|[.,;:!)—–]))',
    "j'ai tout (?:implémenté|terminé|fait|fini|corrigé)",
  ],
  left: ['sauf', 'hormis', 'pas encore', 'encore à', 'reste à', 'échoue', 'échoué', 'manque'],
};
