import { rolldown } from 'rolldown';
const esm={name:'esm',resolveId(id){if(id.endsWith('dashboard/main.ts'))return{id:'./ui.mjs',external:true}}};
const late={name:'late',resolveId(id,imp){ if(id==='./string-width.cjs')return{id,external:true}; if(id==='string-width'&&imp)return '\0late';return null},load(id){if(id==='\0late')return `let width;export default (...given) => { width ??= require('./string-width.cjs').default; return width(...given); };`}};
const b=await rolldown({input:{clip:'src/cli/main.ts','string-width':'string-width'},platform:'node',external:[/better-sqlite3/,/ui\.mjs$/],plugins:[late,esm],transform:{target:'node22',define:{CLIP_VERSION:'"0.1.0"','process.env.NODE_ENV':'"production"'}}, resolve:{}});
const r=await b.write({dir:'/tmp/pf/rd/dist',format:'cjs',minify:true,entryFileNames:'[name].cjs',chunkFileNames:'[name].cjs',comments:false, codeSplitting: process.argv[2]?JSON.parse(process.argv[2]):true});
for(const c of r.output)console.log(c.fileName,c.code?.length,c.imports?.join(' '));
