/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.js - put into a page by pages.sh: uses it as a reader would and tells the frame around it what is wrong. */
(function () {
    'use strict';
    var wrong = [], root = document.documentElement, done = { tables: 0, pictures: 0, marks: 0, walks: 0, definitions: 0 };
    function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }
    function expect(what, good) { if (!good) wrong.push(what); }
    function tip() { var t = document.querySelector('.tip'); return t && !t.hidden ? t.textContent : ''; }
    function escape_key() { document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })); }
    var number = /^-?[\d,]+(\.\d+)?$/;

    window.pageErrors.forEach(function (e) { wrong.push('error: ' + e); });
    expect('the window is ' + window.innerWidth + ' wide', window.innerWidth === window.pageWidth);
    expect('overflow: content ' + root.scrollWidth + ' in ' + root.clientWidth, root.scrollWidth <= root.clientWidth);
    all('main > *, section > *').forEach(function (e) {
        var r = e.getBoundingClientRect();
        expect('overflow of ' + e.tagName + ' ' + e.className + ' ' + e.id, r.right <= root.clientWidth + 1);
    });

    var ids = {};
    all('[id]').forEach(function (e) { expect('id twice: ' + e.id, !ids[e.id]); ids[e.id] = true; });
    all('a[href^="#"]').forEach(function (a) {
        var id = a.getAttribute('href').slice(1);
        expect('link to nowhere: ' + id, id === '' || ids[id]);
    });

    all('table.sortable').forEach(function (table) {
        var heads = Array.prototype.slice.call(table.tHead.rows[0].cells), rows = table.tBodies[0].rows.length;
        heads.forEach(function (th, column) {
            var button = th.querySelector('button.sort');
            expect('no sort button', button);
            if (!button) return;
            for (var turn = 0; turn < 2; turn++) {
                button.click();
                var down = th.getAttribute('aria-sort') === 'descending';
                expect('not marked as sorted', th.hasAttribute('aria-sort'));
                expect('rows lost', table.tBodies[0].rows.length === rows);
                var cells = all('tbody tr:not(.sum):not(.sub)', table).map(function (r) {
                    return r.cells[column] ? r.cells[column].textContent.trim() : '';
                });
                if (th.classList.contains('text') || !cells.every(function (t) { return number.test(t); })) continue;
                cells.map(function (t) { return +t.replace(/,/g, ''); }).forEach(function (x, i, list) {
                    expect('column ' + button.textContent + ' is not sorted',
                           i === 0 || (down ? list[i - 1] >= x : list[i - 1] <= x));
                });
            }
        });
        done.tables++;
    });

    all('[data-series]').forEach(function (card) {
        var svg = card.querySelector('svg'), box = svg.getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent('pointermove',
            { clientX: box.left + box.width * 0.5, clientY: box.top + 20, bubbles: true }));
        expect('no values under the pointer', /: [\d.,]+/.test(tip()) && !/NaN|undefined/.test(tip()));
        expect('no cross', card.querySelector('.cross') && !card.querySelector('.cross').hidden);
        var before = tip();
        card.focus();
        card.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
        expect('arrow keys do nothing', tip() !== '' && tip() !== before);
        escape_key();
        expect('escape leaves the tip', tip() === '');
        done.pictures++;
    });

    all('[data-t]').forEach(function (mark, i) {
        if (i > 200) return;
        mark.dispatchEvent(new PointerEvent('pointerover', { clientX: 50, clientY: 50, bubbles: true }));
        expect('a mark says nothing', tip().length > 3 && !/NaN|undefined/.test(tip()));
        mark.dispatchEvent(new PointerEvent('pointerout', { bubbles: true }));
        done.marks++;
    });

    all('[data-rove]').forEach(function (group) {
        var marks = all('[data-t]', group), stops = marks.filter(function (m) { return m.tabIndex === 0; });
        expect('marks are ' + stops.length + ' stops of the tab key', stops.length === 1);
        marks[0].focus();
        marks[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
        expect('arrow keys do not walk the marks', document.activeElement === marks[marks.length - 1]);
        expect('a mark in focus says nothing', tip().length > 3);
        marks.forEach(function (m) {
            expect('a mark leads nowhere', document.getElementById(m.getAttribute('href').slice(1)));
        });
        escape_key();
        done.walks++;
    });

    // Text against the ground behind it, by the formula of WCAG 2: 4.5 at least, 3 for large text.
    function channels(colour) { return colour.match(/[\d.]+/g).map(Number); }
    function luminance(rgb) {
        var linear = rgb.slice(0, 3).map(function (c) {
            return c / 255 <= 0.04045 ? c / 255 / 12.92 : Math.pow((c / 255 + 0.055) / 1.055, 2.4);
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    }
    function ground(e) {
        for (; e; e = e.parentElement) {
            var colour = channels(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    }
    function contrast(theme) {
        root.setAttribute('data-theme', theme);
        all('body *').forEach(function (e) {
            var own = Array.prototype.some.call(e.childNodes, function (n) {
                return n.nodeType === 3 && n.data.trim() !== '';
            });
            // what is drawn by gnuplot has colours of its own
            if (!own || !e.getClientRects().length || e.closest('script,style,.picture')) return;
            var style = getComputedStyle(e), in_svg = e.closest('svg') && e.tagName !== 'svg';
            var cell = e.closest('.on-pale,.on-dark') ? e.previousElementSibling : null; // of a heat map
            var a = luminance(channels(in_svg ? style.fill : style.color));
            var b = luminance(cell ? channels(getComputedStyle(cell).fill) : ground(e));
            var ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            var large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && +style.fontWeight >= 600);
            expect('contrast ' + ratio.toFixed(1) + ' in ' + theme + ' of ' + e.textContent.trim().slice(0, 30),
                   ratio >= (large ? 3 : 4.5));
        });
        root.removeAttribute('data-theme');
    }
    contrast('light');
    contrast('dark');

    all('a.def').forEach(function (a) {
        a.click();
        expect('no definition behind ' + a.getAttribute('href'), tip().length > 20);
        escape_key();
        done.definitions++;
    });

    var theme = document.getElementById('theme'), seen = {};
    for (var i = 0; i < 3; i++) { theme.click(); seen[getComputedStyle(document.body).backgroundColor] = true; }
    expect('the theme button changes nothing', Object.keys(seen).length === 2);
    theme.focus();
    expect('the theme button takes no focus', document.activeElement === theme);
    window.pageErrors.forEach(function (e) { if (wrong.indexOf('error: ' + e) === -1) wrong.push('error: ' + e); });
    window.parent.postMessage({
        check: wrong.length ? wrong.slice(0, 8).join('; ') : 'good',
        done: JSON.stringify(done).replace(/"/g, '')
    }, '*');
})();
