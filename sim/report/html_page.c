/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_page.c - what all pages share: head, theme, the script that makes tables sortable and pictures answer, and the
 * table heads. A page works without its script: nothing is hidden, links lead to definitions, colours follow the
 * reader's setting.
 *
 * The script holds no '<' and no "&", so that the page stays well-formed for the strictest reader.
 */
#include "sim/report/html.h"

#include <string.h>

/* Before the first paint, so that a page does not flash in the other theme. */
static const char early[] =
    "try{var t=localStorage.getItem('spillway-theme');if(t)document.documentElement.setAttribute('data-theme',t)}"
    "catch(e){}";

/* The button goes through system, light, dark. */
static const char theme[] =
    "var d=document,root=d.documentElement,button=d.getElementById('theme'),themes=['','light','dark'];\n"
    "function themed(){var t=root.getAttribute('data-theme')||'';button.textContent='Theme: '+(t||'system')}\n"
    "button.hidden=false;themed();\n"
    "button.addEventListener('click',function(){var t=root.getAttribute('data-theme')||'';"
    "t=themes[(themes.indexOf(t)+1)%3];"
    "if(t)root.setAttribute('data-theme',t);else root.removeAttribute('data-theme');"
    "try{if(t)localStorage.setItem('spillway-theme',t);else localStorage.removeItem('spillway-theme')}catch(e){}"
    "themed()});\n";

/*
 * Rows move with their sub-rows; sums stay at the foot; what is no number stands last. Spans ("4 min 10 s") are read in
 * seconds.
 */
static const char sorting[] =
    "var units={ms:.001,s:1,min:60,h:3600};\n"
    "function value(cell){var v=cell.getAttribute('data-v');if(v!==null)return v===''?NaN:+v;"
    "var t=cell.textContent.replace(/,/g,'').replace('\\u2212','-').trim();if(t==='at once')return 0;"
    "var m=t.match(/^([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\\s*(ms|s|min|h)?(?:\\s+([0-9]+)\\s*(s|min))?/);"
    "if(!m)return NaN;return +m[1]*(units[m[2]]||1)+(m[3]?(t.charAt(0)==='-'?-1:1)*m[3]*units[m[4]]:0)}\n"
    "function sort(table,column,down){var body=table.tBodies[0],groups=[],tail=[];"
    "Array.prototype.slice.call(body.rows).forEach(function(r){"
    "if(r.classList.contains('sum'))tail.push(r);"
    "else if(r.classList.contains('sub')){if(groups.length)groups[groups.length-1].push(r)}"
    "else groups.push([r])});"
    "var text=table.tHead.rows[0].cells[column].classList.contains('text');"
    "function key(g){var c=g[0].cells[column];return text?c.textContent.trim():value(c)}\n"
    "groups=groups.map(function(g,i){return{g:g,k:key(g),i:i}});"
    "groups.sort(function(a,b){var o;if(text)o=a.k.localeCompare(b.k,'en',{numeric:true});"
    "else{if(isNaN(a.k)||isNaN(b.k))return(isNaN(a.k)?1:0)-(isNaN(b.k)?1:0)||a.i-b.i;o=a.k-b.k}"
    "return(down?-o:o)||a.i-b.i});"
    "groups.forEach(function(x){x.g.forEach(function(r){body.appendChild(r)})});"
    "tail.forEach(function(r){body.appendChild(r)})}\n"
    "Array.prototype.forEach.call(d.querySelectorAll('table.sortable'),function(table){"
    "var heads=table.tHead.rows[0].cells;"
    "Array.prototype.forEach.call(heads,function(th,column){var label=th.querySelector('.head');if(!label)return;"
    "var b=d.createElement('button');b.type='button';b.className='sort';b.innerHTML=label.innerHTML;"
    "label.parentNode.replaceChild(b,label);"
    "b.addEventListener('click',function(){var was=th.getAttribute('aria-sort');"
    "var down=was?was==='ascending':!th.classList.contains('text');"
    "Array.prototype.forEach.call(heads,function(o){o.removeAttribute('aria-sort')});"
    "th.setAttribute('aria-sort',down?'descending':'ascending');sort(table,column,down)})})});\n";

/* One tip for everything: marks of our own pictures ([data-t]), drawn pictures with series, definitions. */
static const char tips[] =
    "var tip=d.createElement('div');tip.className='tip';tip.setAttribute('role','status');tip.hidden=true;"
    "d.body.appendChild(tip);\n"
    "function place(x,y){tip.hidden=false;var w=tip.offsetWidth,h=tip.offsetHeight,"
    "vw=root.clientWidth,left=Math.max(6,Math.min(x+14,vw-w-6));"
    "if(x+14+w>vw-6){left=Math.max(6,x-w-14)}"
    "var top=y+16;if(top+h>window.innerHeight-6)top=Math.max(6,y-h-12);"
    "tip.style.left=left+'px';tip.style.top=top+'px'}\n"
    "function line(text,cls){var "
    "e=d.createElement('div');e.textContent=text;if(cls)e.className=cls;tip.appendChild(e)}\n"
    "function clear(){tip.textContent='';tip.classList.remove('note-tip')}\n"
    "function "
    "hide(){tip.hidden=true;Array.prototype.forEach.call(d.querySelectorAll('.cross'),function(c){c.hidden=true})}\n"
    "function mark(e,x,y){clear();e.getAttribute('data-t').split('|').forEach(function(t,i){line(t,i?'':'when')});"
    "place(x,y)}\n"
    "d.addEventListener('pointerover',function(ev){var e=ev.target.closest?ev.target.closest('[data-t]'):null;"
    "if(e)mark(e,ev.clientX,ev.clientY)});\n"
    "d.addEventListener('pointerout',function(ev){if(ev.target.closest){if(ev.target.closest('[data-t]'))hide()}});\n"
    "d.addEventListener('focusin',function(ev){var e=ev.target;if(e.hasAttribute)if(e.hasAttribute('data-t')){"
    "var r=e.getBoundingClientRect();mark(e,r.right,r.bottom)}});\n"
    "d.addEventListener('focusout',hide);\n"
    "d.addEventListener('keydown',function(ev){if(ev.key==='Escape')hide()});\n"
    "d.addEventListener('click',function(ev){var a=ev.target.closest?ev.target.closest('a.def'):null;"
    "if(!a){if(!ev.target.closest('.tip'))hide();return}"
    "var dt=d.getElementById(a.getAttribute('href').slice(1));if(!dt)return;ev.preventDefault();clear();"
    "tip.classList.add('note-tip');line(dt.textContent,'when');line(dt.nextElementSibling.textContent);"
    "var r=a.getBoundingClientRect();place(r.left,r.bottom-12)});\n"
    "window.addEventListener('scroll',function(){if(tip.hidden)return;var e=d.activeElement,"
    "r=e.getBoundingClientRect();if(e.hasAttribute('data-t'))mark(e,r.right,r.bottom);else hide()},{passive:true});\n"
    /* many marks are one stop of the tab key, with the arrow keys going from one to the next */
    "Array.prototype.forEach.call(d.querySelectorAll('[data-rove]'),function(g){"
    "var list=Array.prototype.slice.call(g.querySelectorAll('[data-t]'));"
    "list.forEach(function(a,i){a.setAttribute('tabindex',i?-1:0)});"
    "g.addEventListener('keydown',function(ev){var i=list.indexOf(ev.target.closest('[data-t]')),n=list.length-1,"
    "step={ArrowLeft:-1,ArrowUp:-1,ArrowRight:1,ArrowDown:1,PageUp:-10,PageDown:10,Home:-n,End:n}[ev.key];"
    "if(!step)return;ev.preventDefault();ev.stopPropagation();list[i].setAttribute('tabindex',-1);"
    "i=Math.max(0,Math.min(i+step,n));list[i].setAttribute('tabindex',0);list[i].focus()})});\n";

/* What is wider than its box fades out at the side on which it goes on. */
static const char fading[] =
    "Array.prototype.forEach.call(d.querySelectorAll('.card,.scroll'),function(box){function look(){"
    "var r=box.scrollWidth-box.clientWidth-box.scrollLeft>2,l=box.scrollLeft>2;"
    "box.classList.toggle('cut',l||r);box.style.setProperty('--l',l?'32px':'0px');"
    "box.style.setProperty('--r',r?'32px':'0px')}\n"
    "look();box.addEventListener('scroll',look,{passive:true});window.addEventListener('resize',look)});\n";

/* Pictures drawn by gnuplot: where time runs is known, what stood there is in the page's series. */
static const char series[] =
    "function pad(n){return(n>9?'':'0')+n}\n"
    "function clock(s,long){var t=new "
    "Date(s*1000);return(long?['Sun','Mon','Tue','Wed','Thu','Fri','Sat'][t.getUTCDay()]+"
    "' ':'')+pad(t.getUTCHours())+':'+pad(t.getUTCMinutes())+(long?'':':'+pad(t.getUTCSeconds()))}\n"
    "function round(v){var a=Math.abs(v);return a>=1000?Math.round(v).toLocaleString('en'):a>=100?v.toFixed(0):"
    "a>=10?v.toFixed(1):a>=1?v.toFixed(2):String(+v.toPrecision(3))}\n"
    "Array.prototype.forEach.call(d.querySelectorAll('[data-series]'),function(card){"
    "var "
    "source=d.getElementById(card.getAttribute('data-series')),svg=card.querySelector('svg');if(!source||!svg)return;"
    "var all=JSON.parse(source.textContent),show=card.getAttribute('data-show').split(','),"
    "x0=+card.getAttribute('data-x0'),x1=+card.getAttribute('data-x1'),"
    "from=+card.getAttribute('data-from'),to=+card.getAttribute('data-to');"
    "var cross=d.createElement('div');cross.className='cross';cross.hidden=true;card.appendChild(cross);"
    "var at=Math.floor(from/all.step);"
    "function "
    "point(i,y){i=Math.max(all.first,Math.floor(from/all.step),Math.min(i,Math.ceil(to/all.step)-1,all.bins-1));at=i;"
    "var box=svg.getBoundingClientRect(),outer=card.getBoundingClientRect(),"
    "mid=Math.min((i+.5)*all.step,to),f=(mid-from)/(to-from),x=box.left+box.width*(x0+f*(x1-x0));"
    "clear();line(clock(all.local0+i*all.step,to-from>90000),'when');"
    "show.forEach(function(k){var s=all.series[k];if(!s)return;var v=s.v[i-all.first];if(s.brief)if(v===0)return;"
    "line(s.n+': '+(v===null?'-':round(v)+(s.u?' '+s.u:'')))});"
    "hide();cross.hidden=false;cross.style.left=(x-outer.left+card.scrollLeft)+'px';place(x,y)}\n"
    "svg.addEventListener('pointermove',function(ev){if(ev.target.closest('[data-t]'))return;var "
    "box=svg.getBoundingClientRect(),"
    "f=((ev.clientX-box.left)/box.width-x0)/(x1-x0);if(f>=0)if(1>=f){"
    "point(Math.floor((from+f*(to-from))/all.step),ev.clientY);return}hide()});"
    "svg.addEventListener('pointerleave',hide);"
    "card.tabIndex=0;card.addEventListener('keydown',function(ev){var box=svg.getBoundingClientRect(),"
    "step={ArrowLeft:-1,ArrowRight:1,PageUp:-12,PageDown:12}[ev.key];"
    "if(step){ev.preventDefault();point(at+step,box.top+20)}})});\n";

void rep_page_begin(FILE *out, const char *title)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    rep_escape(out, title);
    fputs(" - spillway report</title>\n<style>\n", out);
    for (int i = 0; rep_css[i] != NULL; i++) {
        fputs(rep_css[i], out);
    }
    fprintf(out, "</style>\n<script>%s</script>\n</head>\n<body>\n", early);
    fputs("<button type=\"button\" id=\"theme\" hidden>Theme</button>\n<main>\n", out);
}

void rep_page_end(FILE *out)
{
    fprintf(out, "</main>\n<script>\n(function(){'use strict';\n%s%s%s%s%s})();\n</script>\n</body>\n</html>\n", theme,
            sorting, tips, fading, series);
}

void rep_define(FILE *out, const char *definition)
{
    if (definition != NULL) {
        fprintf(out, "&#160;<a class=\"def\" href=\"#def-%s\" aria-label=\"What this means\">?</a>", definition);
    }
}

/** The long name of a figure may break behind its dots and underscores. */
static void put_label(FILE *out, const char *label)
{
    enum { LONG = 14 };
    const char *mark = strlen(label) > LONG ? "<wbr>" : "";
    char part[128];
    while (*label != '\0') {
        size_t n = strcspn(label, "._");
        n += label[n] != '\0' ? 1 : 0;
        n = n < sizeof part ? n : sizeof part - 1;
        memcpy(part, label, n);
        part[n] = '\0';
        rep_escape(out, part);
        label += n;
        fputs(*label != '\0' ? mark : "", out);
    }
}

void rep_heads(FILE *out, const rep_head *heads)
{
    for (; heads->label != NULL; heads++) {
        fprintf(out, "<th scope=\"col\"%s><span class=\"column\"><span class=\"head\">",
                heads->text ? " class=\"text\"" : "");
        put_label(out, heads->label);
        fputs("</span>", out);
        rep_define(out, heads->define);
        fputs("</span></th>", out);
    }
}

void rep_table_open(FILE *out, const char *label, const rep_head *heads)
{
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table: ", out);
    rep_escape(out, label);
    fputs("\">\n<table class=\"sortable\">\n<thead><tr>", out);
    rep_heads(out, heads);
    fputs("</tr></thead>\n<tbody>\n", out);
}

void rep_table_close(FILE *out)
{
    fputs("</tbody>\n</table>\n</div>\n", out);
}

void rep_table_begin(FILE *out, const char *id, const char *heading, const char *hint, const rep_head *heads)
{
    fprintf(out, "<section id=\"%s\">\n<h2>%s</h2>\n<p class=\"hint\">%s</p>\n", id, heading, hint);
    rep_table_open(out, heading, heads);
}

void rep_table_end(FILE *out)
{
    rep_table_close(out);
    fputs("</section>\n", out);
}
