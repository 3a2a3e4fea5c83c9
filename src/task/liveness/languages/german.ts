import type { Phrases } from './language.ts';

const strong =
  '(?:freigabe|genehmigung|zugangsdaten|anmeldedaten|zustimmung|entscheidung|bestätigung|rückmeldung|antwort)';
const thing = `(?:${strong}|[\\p{L}-]*(?:zugriff|zugang|zugriffsrechte|berechtigung(?:en)?|rechte?|tokens?|api-schlüssel|api-key|zugangsschlüssel|passwort|lizenz|zertifikat|secret))`;
const the = '(?:\\p{L}+ ){0,2}';
const goOn = '(?:weitermachen|fortfahren|weiterarbeiten|weiterkommen)';
const gone = '(?:löschen|überschreiben|zurücksetzen|verwerfen|leeren|veröffentlichen|ausrollen|force-pushen)';
const soon = '(?:zuerst|zunächst|jetzt|nun|als nächstes|als erstes|danach|dann|anschließend|gleich)';
const doing =
  '(?:sehe|schaue|lese|prüfe|behebe|schreibe|implementiere|führe|starte|untersuche|analysiere|teste|erstelle|aktualisiere|ändere|beginne|öffne|repariere|füge|passe|teile|suche|baue|räume|ergänze|entferne|ersetze|messe)';

export const german: Phrases = {
  spaced: true,
  blocked: [
    '(?:ich bin|wir sind|die aufgabe ist|die arbeit ist) (?:(?!nicht )\\p{L}+ ){0,2}blockiert',
    'ich komme (?:\\p{L}+ ){0,3}nicht (?:mehr )?weiter',
    `(?:ich kann|kann ich|wir können|können wir) (?:\\p{L}+ ){0,4}(?:nicht|erst) (?:\\p{L}+ ){0,3}${goOn}`,
    `bevor ich ${goOn} kann`,
    `(?:mir fehl(?:t|en)|fehl(?:t|en) mir) ${the}${thing}`,
    `ich habe (?:\\p{L}+ )?keine?n? (?:zugriff|zugang|berechtigung|zugangsdaten|rechte)`,
    `ohne .{0,40}?${thing}.{0,30} kann ich .{0,60}?nicht`,
    '(?:ich (?:brauche|benötige)|(?:brauche|benötige) ich) (?:\\p{L}+ ){0,3}(?:freigabe|genehmigung|zugangsdaten|anmeldedaten|zustimmung)',
    `(?:ich (?:brauche|benötige)|(?:brauche|benötige) ich) (?:(?:deine|ihre|eure) ${strong}|eine ${strong} von (?:dir|ihnen|euch))`,
    `(?:ich )?warte (?:\\p{L}+ )?auf (?:(?:ihre|deine|eure) ${strong}|(?:die|eine) (?:freigabe|genehmigung|zugangsdaten|zustimmung|entscheidung))`,
  ],
  things: [thing, '(?:inhaber|administrator|admin|eigentümer)(?:in)?'],
  gives: [
    'bitte (?:\\p{L}+ )?(?:gib|geben|gebt|trage?n?|fügen?|erteilen?|erneuern?|erneuere|veröffentlichen?|schicken?|hinterlegen?|genehmigen?|stellen?|schalten?)',
    '(?:kannst du|können sie|könntest du|könnten sie) .{0,60}(?:geben|bereitstellen|schicken|hinzufügen|freigeben|eintragen|erteilen)',
  ],
  purposes: [
    'damit (?:ich|wir)',
    '(?:ich kann|kann ich) .{0,60}?nicht',
    '(?:gib|geben sie|gebt|schick|füge) (?:mir|mich|uns)',
    'nur ein(?:e|er)?',
  ],
  decides: [
    'bitte (?:entscheiden?|wählen?|sag(?:en)?|teilen?|nennen?|bestätigen?),? .{0,40}(?:welche\\p{L}*|ob)',
    'bitte (?:entscheide|wähle)',
  ],
  questions: [
    'welche\\p{L}* .{0,60}(?:(?:möchtest|willst|bevorzugst|wünschst) du|(?:möchten|wollen|bevorzugen|wünschen) sie)',
    'welche\\p{L}* .{0,60}soll ich (?:verwenden|nehmen|behalten|nutzen|umsetzen)',
    '(?:bevorzugst du|bevorzugen sie) .{1,80} oder',
    `(?:soll|darf) ich .{0,100}${gone}`,
    `(?:möchtest du|möchten sie|willst du|wollen sie), dass ich .{0,100}(?:lösche|überschreibe|zurücksetze|veröffentliche)`,
  ],
  offers: ['auch', 'noch', 'zusätzlich', 'ebenfalls', 'außerdem'],
  unless: [
    'wenn',
    'falls',
    'sobald',
    'sofern',
    'sonst',
    'würde',
    'könnte(?! du| sie)',
    'war',
    'waren',
    'hatte',
    'nicht mehr',
    'inzwischen',
    'mittlerweile',
    'niemand',
    '(?:der|die|den|dem|ein|eine|gesperrte) (?:nutzer|benutzer|anwender|kunde)\\p{L}*',
    '(?:sagt|fragt|lautet|heißt es|hat gesagt|meldet)',
    'nicht (?:nötig|erforderlich|notwendig)',
  ],
  overcome: [
    'aber',
    'jedoch',
    'behoben',
    'gelöst',
    'habe (?:ich )?(?:stattdessen|daher|deshalb)',
    '(?:und|daher|deshalb) habe',
    'nicht$',
  ],
  announces: [
    `(?:(?:okay|gut|zuerst|dann|als nächstes|nun|jetzt|danach|anschließend),? )?(?:ich werde|werde ich|wir werden|werden wir|lasst? (?:mich|uns)|lassen sie mich) (?!nicht |.{0,160}(?:habe|zusammenfass|erklär)).{0,160}(?:untersuch|prüf|anseh|anschau|lesen|beginn|start|implementier|beheb|fix|test|aktualisier|erstell|hinzufüg|schreib|ausführ|analysier|öffn|änder|umsetz|refaktor|durchgeh|korrigier|nachstell|aufteil|anpass)\\p{L}*`,
    `ich ${doing} (?:mir )?(?:\\p{L}+ ){0,3}${soon}`,
    `${soon} ${doing} ich`,
  ],
  claims: [
    '(?:(?:es ist |das ist |nun ist |jetzt ist )?alles|(?:die|diese|deine|ihre) (?:aufgabe|arbeit|änderung(?:en)?|umsetzung|implementierung)|das|es) ?(?:ist|sind|wurde|wurden|habe ich)? ?(?:jetzt |nun |damit |bereits |vollständig )*(?:erledigt|fertig|abgeschlossen|umgesetzt|gemacht)(?= *(?:$|[.,;:!)—–]))',
    '(?:fertig|erledigt|abgeschlossen)(?= *(?:$|[.,;:!)—–]))',
    'ich habe (?:alles|die aufgabe|die arbeit|alle \\p{L}+) (?:\\p{L}+ ){0,2}(?:umgesetzt|erledigt|implementiert|abgeschlossen|fertiggestellt)',
  ],
  left: ['noch (?:nicht|offen|zu)', 'fehlt', 'fehlgeschlagen', 'schlägt .{0,20}fehl', 'übrig', 'bis auf', 'außer'],
};
