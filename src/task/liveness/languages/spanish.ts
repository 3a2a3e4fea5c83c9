import type { Phrases } from './language.ts';

const strong = '(?:aprobación|autorización|credenciales|decisión|confirmación)';
const thing = `(?:${strong}|acceso|permisos?|tokens?|claves? (?:de api|api|de acceso)|contraseñas?|licencia|certificado)`;
const goOn = '(?:continuar|seguir|avanzar)';
const gone =
  '(?:elimin(?:ar|e|o)|borr(?:ar|e|o)|sobrescrib(?:ir|a|o)|restablec(?:er|zca|zco)|publi(?:car|que|co)|desplegar|despliegue|despliego|vaciar|vacíe)';
const soon = '(?:primero|luego|ahora|después|a continuación)';

export const spanish: Phrases = {
  spaced: true,
  blocked: [
    '(?:estoy|sigo|me encuentro) (?:\\p{L}+ )?bloquead[oa]',
    `no puedo (?:\\p{L}+ )?${goOn}`,
    `me faltan? (?:\\p{L}+ ){0,2}${thing}`,
    `sin .{0,40}?${thing}.{0,30} no puedo`,
    'no tengo (?:(?:los|el|la|las) )?(?:permisos?|acceso|credenciales|autorización)',
    'necesito que (?:me )?(?:decidas?|apruebes?|confirmes?|elijas?|des|dé)',
    `necesito (?:(?:tu|su|una|la|las|los|el) )?(?:${strong}|acceso|permisos?)`,
    `(?:estoy esperando|espero|a la espera de) (?:tu|su|la|una) ${strong}`,
    `antes de (?:que pueda|poder) ${goOn}`,
  ],
  things: [thing, '(?:administrador|propietario)(?:a|es|as)?'],
  gives: [
    '(?<=^|[,;:] )(?:por favor,? )?(?:dame|deme|denme|facilítame|proporcióname|proporcione|concédeme|aprueba|apruebe|renueva|renueve|publícal[oa]|añádeme|añade|agrega)',
    '(?:puedes?|podrías?|podría) .{0,30}?(?:dar|facilitar|proporcionar|añadir|agregar|conceder|aprobar)\\p{L}*',
  ],
  purposes: [
    'para que (?:yo )?pueda',
    'no puedo',
    '(?:dame|deme|facilítame|proporcióname|concédeme|añádeme)',
    'solo (?:un|una|el|la)',
    'me lo',
  ],
  decides: [
    '(?<=^|[,;:] )(?:por favor,? )?(?:indícame|indíqueme|dime|dígame|decide|decida|elige|elija|confirma|confirme) (?:cuál|qué|si)',
  ],
  questions: [
    'cuál .{0,60}(?:prefieres?|quieres?|deseas?|eliges?)',
    '(?:prefieres?) .{1,80} o',
    `(?:¿|^)(?:(?:debo|puedo|quieres que|quiere que|desea que) )?(?:\\p{L}+ )?${gone}`,
  ],
  offers: ['también', 'además'],
  unless: [
    '(?<=^|[,;:] |y |pero )si',
    'cuando',
    'no (?:estoy|está|fue|es)',
    'ya no',
    'estaba',
    'estuve',
    'el usuario',
    'los usuarios',
    '(?:pregunta|dice|muestra):?',
    'ningún',
    'ninguna',
    'nunca',
  ],
  overcome: ['pero', 'así que (?:usé|he|utilicé)', 'resuelto'],
  announces: [
    `(?:${soon},? )?(?:voy a|vamos a|déjame|permíteme) (?:primero |ahora )?(?:revisar|inspeccionar|mirar|examinar|leer|empezar|comenzar|implementar|corregir|arreglar|probar|actualizar|crear|añadir|agregar|analizar|ejecutar|abrir|modificar|escribir|explorar|investigar|reproducir|buscar)`,
    `(?:${soon},? )?(?:revisar|inspeccionar|mirar|examinar|leer|empezar|comenzar|implementar|corregir|arreglar|probar|actualizar|crear|añadir|agregar|analizar|ejecutar|abrir|modificar|escribir|explorar|investigar|reproducir)é`,
  ],
  claims: [
    '(?:ya )?(?:todo|la tarea|el trabajo|el cambio|la implementación)?\\s*(?:está|quedó|ha sido)?\\s*(?:list[oa]|hech[oa]|terminad[oa]|completad[oa]|finalizad[oa])(?=\\s*(?:$|[.,;:!)—–]|y ))',
    '(?:lo )?he (?:implementado|terminado|completado|hecho|corregido) todo',
    'implementé todo',
  ],
  left: ['excepto', 'salvo', 'todavía', 'aún', 'falla', 'fallida', 'faltan?'],
};
