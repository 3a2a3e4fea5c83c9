import type { SpokenSets } from '../../../../support/spoken.ts';

export const spanish: SpokenSets = {
  first: {
    blocked: [
      'No puedo avanzar: me faltan las credenciales de la base `orders`.',
      'La tabla `clientes_old` ya no se usa, pero aún tiene 40.000 filas. ¿Debo eliminar la tabla?',
      'Por favor, dame acceso al entorno de staging para que pueda comprobar la migración.',
      'Hay dos opciones: una cola o un bloqueo. La especificación permite ambas. ¿Cuál de las dos prefieres?',
      'Sin la clave de API no puedo probar la integración. ¿Puedes añadirla a `.env`?',
      'Necesito que decidas si se mantiene el endpoint antiguo.',
      'Estoy esperando tu aprobación para desplegar.',
      'No tengo permisos para hacer push a `main`, así que no puedo continuar.',
      'Antes de que pueda continuar, alguien tiene que renovar el certificado.',
      'Indícame cuál de las dos API debemos conservar.',
      '¿Quieres que borre la rama remota? Se perderían dos commits de Ana.',
    ],
    plans: [
      'Primero voy a leer el parser y luego escribiré una prueba para archivos vacíos.',
      'A continuación corregiré el error en `pages()` y ejecutaré las pruebas.',
      'Empezaré por reproducir el fallo.',
      'Plan:\n1. Leer el parser\n2. Escribir una prueba\n3. Corregir el error',
    ],
    claims: [
      'Listo. Todas las pruebas pasan. ¿Quieres que añada también pruebas para el parser antiguo?',
      'La tarea está terminada.',
      'He implementado todo y las pruebas pasan.',
      'El trabajo está completado, no queda nada por hacer.',
    ],
    other: [
      '¿Por qué falla la prueba? Porque la caché nunca se vacía.',
      '¿Cuál de las dos variantes es correcta? Según la especificación, la primera.',
      'No estoy bloqueado, las pruebas solo tardan mucho.',
      'No fue necesario ningún acceso.',
      'Estaba bloqueado por una clave que faltaba, pero ya llegó.',
      'Si faltan las credenciales, el usuario no puede continuar.',
      'Encontré la causa: el bloqueo se toma dos veces.',
      'Si quieres, también puedo limpiar los imports.',
      'La tarea todavía no está terminada, falla una prueba.',
      'El formulario pregunta: «¿Debo eliminar el registro?»',
      'Pruebas: 12 correctas, 1 fallida.',
    ],
  },
  apart: {
    blocked: [
      'Me falta un token para acceder al repositorio. ¿Me lo puedes facilitar?',
      'Las dos soluciones cumplen los criterios. ¿Prefieres la cola o el bloqueo?',
      'El certificado ha caducado y solo un administrador puede renovarlo; no puedo seguir hasta entonces.',
      '¿Sobrescribo la rama remota?',
    ],
    plans: ['Voy a mirar la prueba que falla y después corregiré el redondeo.'],
    claims: ['Todo está hecho y las pruebas están en verde. ¿Abro un pull request?'],
    other: [
      '¿El límite debe ser 10 o 20? Usé 20, como en la especificación.',
      'El mensaje dice: «No tienes permisos».',
      '¿Puede ser más rápido? Sí, con un índice.',
      'Falta una prueba para listas vacías.',
    ],
  },
  traps: {
    blocked: ['No tengo acceso al servidor de producción. Concédeme permisos, por favor.'],
    plans: ['Ahora voy a revisar la configuración.'],
    claims: ['Todo está terminado. Añade tu clave de API a `.env` antes de iniciar el servicio.'],
    other: [
      'Añade tu clave de API a `.env` antes de iniciar el servicio.',
      'Necesito la clave primaria para la unión, por eso la añadí a la consulta.',
      'El proceso no tiene permisos y no puede escribir el registro.',
      'Me falta una prueba para el acceso anónimo.',
      'Todo está hecho excepto las pruebas.',
    ],
  },
  plain: {
    blocked: [
      'La compilación falla en el servidor porque mi cuenta está bloqueada allí. No puedo seguir sin tu ayuda.',
      'El ticket y la prueba se contradicen: 14 o 30 días. Dime cuál es el correcto, por favor.',
    ],
    plans: ['Primero analizaré la consulta lenta.\nDespués añadiré el índice.'],
    claims: [
      'La implementación está terminada.\n\n- parser adaptado\n- pruebas añadidas\n\n¿Quieres que también junte los commits?',
    ],
    other: [
      'El endpoint responde 403 porque el token no tiene el permiso `write`. Es lo esperado.',
      '¿Qué enfoque elegí? La cola, porque el bloqueo detiene a los lectores.',
      'Revisa el diff cuando tengas tiempo, por favor.',
      'Resumen:\n- la caché se lee dos veces\n- el bloqueo nunca se libera',
    ],
  },
};
