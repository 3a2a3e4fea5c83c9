import type { SpokenSets } from '../../../../support/spoken.ts';

export const german: SpokenSets = {
  first: {
    blocked: [
      'Ich komme hier nicht weiter: Für die Datenbank `orders` fehlen mir die Zugangsdaten.',
      'Die Tabelle `kunden_alt` wird nirgends mehr verwendet, enthält aber noch 40.000 Zeilen. Soll ich die Tabelle löschen?',
      'Bitte gib mir Zugriff auf das Staging-System, damit ich die Migration prüfen kann.',
      'Es gibt zwei Wege: eine Warteschlange oder eine Sperre. Beide sind laut Anforderung möglich. Welche der beiden Varianten möchtest du?',
      'Ohne den API-Schlüssel kann ich die Integration nicht testen. Bitte trage ihn in `.env` ein.',
      'Ich brauche eine Entscheidung von dir: Bleibt der alte Endpunkt, oder soll er weg?',
      'Das Paket darf nur ein Inhaber der Organisation veröffentlichen. Bitte veröffentliche es oder füge mich hinzu.',
      'Ich warte auf deine Freigabe für das Deployment.',
      'Mir fehlt die Berechtigung, auf den Branch `main` zu pushen. Ich kann deshalb nicht weiterarbeiten.',
      'Bevor ich weitermachen kann, muss jemand das Zertifikat erneuern.',
      'Bitte entscheide, welche der beiden APIs wir behalten.',
      'Soll ich den Branch wirklich überschreiben? Zwei Commits von Anna gingen dabei verloren.',
    ],
    plans: [
      'Ich sehe mir zuerst den Parser an und schreibe dann einen Test für leere Dateien.',
      'Als Nächstes behebe ich den Fehler in `pages()` und führe die Tests aus.',
      'Zuerst werde ich den Absturz nachstellen. Danach behebe ich ihn.',
      'Ich werde jetzt die Module aufteilen und die Importe anpassen.',
      'Plan:\n1. Parser lesen\n2. Test schreiben\n3. Fehler beheben',
    ],
    claims: [
      'Fertig. Alle Tests laufen durch. Soll ich auch Tests für den alten Parser hinzufügen?',
      'Die Aufgabe ist erledigt.',
      'Ich habe alles umgesetzt und die Tests sind grün.',
      'Die Umsetzung ist abgeschlossen, es ist nichts mehr zu tun.',
    ],
    other: [
      'Warum schlägt der Test fehl? Weil der Cache nie geleert wird.',
      'Welche der beiden Varianten ist richtig? Laut Spezifikation die erste, der Code stimmt also.',
      'Ich bin nicht blockiert, die Tests dauern nur lange.',
      'Zugangsdaten waren nicht nötig.',
      'Ich war blockiert, weil der Schlüssel fehlte; inzwischen ist er da.',
      'Falls die Zugangsdaten fehlen, kann der Nutzer nicht weitermachen.',
      'Die Ursache ist gefunden: Die Sperre wird zweimal genommen.',
      'Wenn du möchtest, räume ich auch die Importe auf.',
      'Die Aufgabe ist noch nicht erledigt, ein Test schlägt fehl.',
      'Gesperrte Benutzer sehen jetzt die Meldung „Bitte gib uns Zugriff“.',
      'Die Maske fragt: Soll der Datensatz gelöscht werden?',
      'Tests: 12 bestanden, 1 fehlgeschlagen.',
    ],
  },
  apart: {
    blocked: [
      'Für den Zugriff auf das Repository fehlt mir ein Token. Kannst du mir eins geben?',
      'Beide Lösungen erfüllen die Kriterien. Bevorzugst du die Warteschlange oder die Sperre?',
      'Das Zertifikat ist abgelaufen, und nur ein Administrator kann es erneuern. Ich kann erst danach weitermachen.',
      'Darf ich die Produktionsdaten zurücksetzen?',
    ],
    plans: ['Ich schaue mir jetzt den fehlschlagenden Test an und behebe danach die Rundung.'],
    claims: ['Alles erledigt, die Tests sind grün. Möchtest du, dass ich einen Pull Request öffne?'],
    other: [
      'Soll das Limit 10 oder 20 sein? Ich habe 20 genommen, wie in der Spezifikation.',
      'Die Meldung lautet: „Ihnen fehlt die Berechtigung.“',
      'Geht das schneller? Ja, mit einem Index.',
      'Es fehlt noch ein Test für leere Listen.',
    ],
  },
  traps: {
    blocked: ['Ich habe keine Berechtigung für das Produktionssystem. Bitte erteile mir Zugriff darauf.'],
    plans: ['Als Erstes lese ich die Konfiguration.'],
    claims: ['Alles ist umgesetzt. Bitte trage deinen API-Schlüssel in `.env` ein, bevor du den Dienst startest.'],
    other: [
      'Bitte trage deinen API-Schlüssel in `.env` ein, bevor du den Dienst startest.',
      'Mir fehlt noch ein Test für den Zugriff ohne Anmeldung.',
      'Ich brauche die Antwort des Servers vor dem Rendern, deshalb steht dort ein `await`.',
      'Dem Prozess fehlt die Berechtigung, deshalb kann er das Protokoll nicht schreiben.',
      'Danach prüfe die Ausgabe.',
      'Alles ist fertig bis auf die Tests.',
    ],
  },
  plain: {
    blocked: [
      'Der Build auf dem Server scheitert, weil mein Konto dort gesperrt ist. Ich komme ohne deine Hilfe nicht weiter.',
      'Ticket und Test widersprechen sich: 14 oder 30 Tage. Was soll gelten? Bitte entscheide das.',
    ],
    plans: ['Zunächst analysiere ich die langsame Abfrage.\nAnschließend ergänze ich den Index.'],
    claims: [
      'Die Umsetzung ist fertig.\n\n- Parser angepasst\n- Tests ergänzt\n\nSoll ich die Commits noch zusammenfassen?',
    ],
    other: [
      'Der Endpunkt antwortet mit 403, weil dem Token die Berechtigung `write` fehlt. Das ist so gewollt.',
      'Welchen Weg habe ich gewählt? Die Warteschlange, weil die Sperre Leser blockiert.',
      'Bitte sieh dir den Diff bei Gelegenheit an.',
      'Zusammenfassung:\n- Der Cache wird zweimal gelesen\n- Die Sperre wird nie freigegeben',
    ],
  },
};
