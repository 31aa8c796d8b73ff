# Листы
sheet-cover = Обложка
sheet-totals = Итоги
sheet-days = По дням
sheet-rules-sums = По правилам
sheet-kpis = Показатели
sheet-ledger = Журнал
sheet-corrections = Исправления
sheet-rules = Правила
page = стр.
heading = { $team } · { $period }
no-value = –
sum = Всего

# Обложка
cover-title = Итоги по регламенту
cover-company = Компания
cover-team = Команда
cover-team-key = Ключ команды
cover-period = Период
cover-state = Состояние
cover-timezone = Часовой пояс
cover-approved = Утвердил
cover-approved-at = Утверждено
cover-exported = Выгрузил
cover-exported-at = Выгружено
cover-digest = Контрольная сумма последнего дня
cover-section-money = Курс балла
cover-currency = Валюта
cover-base = База
cover-per-point = За балл в плюс
cover-per-penalty-point = Снижение бонуса за балл в минус
cover-floor = Не меньше
cover-cap = Не больше
cover-no-cap = без предела
cover-money-note = Бонус = база + за баллы в плюс − снижение бонуса, в указанных пределах. Минус-баллы уменьшают только бонус, оклад не меняется.
cover-section-sums = Итоги команды
cover-managers = Менеджеров
cover-workdays = Рабочих дней
cover-scored-days = Из них с оценкой
cover-plus = Баллы в плюс
cover-minus = Баллы в минус
cover-total = Итого баллов
cover-discipline = Дисциплина
cover-payout = Бонусы к выплате
cover-disputes = Открытых споров
cover-section-rulebooks = Версии правил
cover-rulebook-days = { $first } – { $last }
cover-section-unscored = Дни без оценки
cover-unscored-none = нет
cover-section-rehearsed = Оценены с заданным временем (--at)

state-open = открыт
state-approved = утверждён
state-locked = закрыт

# Итоги
totals-name = Менеджер
totals-crm-user = Код в CRM
totals-workdays = Рабочих дней
totals-scored = С оценкой
totals-excused = Отсутствие, выходной
totals-unscored = Без оценки
totals-kept = Выполнено
totals-broken = Нарушено
totals-plus = Баллы в плюс
totals-minus = Баллы в минус
totals-corrections = Из них исправления
totals-total = Итого баллов
totals-discipline = Дисциплина, %
totals-bonus = За баллы в плюс, { $currency }
totals-penalty = Снижение бонуса, { $currency }
totals-payout = Бонус к выплате, { $currency }
totals-disputes = Открытых споров

# По дням
days-total = Итого
days-earlier = За прошлые месяцы
days-legend = { day-mark-excused } — отсутствие или выходной по графику, { day-mark-unscored } — нет данных, пусто — оценки не было
day-mark-excused = отс
day-mark-unscored = н/д

# По правилам
rule = Правило
rule-kpi = Показатель
rule-kept = Выполнено
rule-broken = Нарушено
rule-excused = Не оценивалось
rule-not-applicable = Не применимо
rule-no-data = Нет данных
rule-points = Баллы
rule-discipline = Дисциплина, %
rule-adjustments = Вручную
rule-most-broken = Чаще всего нарушали

# Показатели
kpis-days = Дней с данными
kpis-state = { $kpi } (на последний день)
kpis-not-available = н/д

# Журнал
ledger-seq = №
ledger-day = День
ledger-booked = Учтено в
ledger-kind = Запись
ledger-outcome = Результат
ledger-value = Значение
ledger-bound = Граница
ledger-points = Баллы
ledger-reverses = Отменяет №
ledger-author = Автор
ledger-reason = Причина
ledger-evidence = Основание
ledger-evidence-more = { $items } … ещё { $count }
ledger-rulebook = Версия правил
ledger-created = Записано
ledger-hash = Хеш

kind-score = оценка
kind-reversal = отмена
kind-correction = исправление
kind-adjustment = вручную
kind-dispute = открытый спор

outcome-kept = выполнено
outcome-broken = нарушено
outcome-excused = не оценивается
outcome-not_applicable = не применимо
outcome-no_data = нет данных

# Правила
rules-version = Версия
rules-first = Первый день
rules-last = Последний день
rules-bound = Условие
rules-limit = Граница
rules-per-deals = На каждые N сделок
rules-currency = Валюта
rules-reward = За выполнение
rules-penalty = За нарушение
rules-observed = Только наблюдение
bound-at_least = не меньше
bound-at_most = не больше
yes = да
no = нет


cause-incomplete = CRM ответила не полностью
cause-late = прочитано слишком поздно
cause-changed = данные изменились после среза
cause-unknown_user = CRM не знает такого пользователя
cause-rights = не хватает прав в CRM
cause-malformed = запись неожиданного вида
cause-unanswered = ноль у всех 20 рабочих дней, причина не названа
cause-not_asked = показатель не запрашивался
cause-no-run = срез не состоялся

# Картинки
chart-per-day = баллов за день
chart-row-points = { $points ->
    [one] { $shown } балл
    [few] { $shown } балла
   *[other] { $shown } баллов
}
chart-days = { $days ->
    [one] { $days } день
    [few] { $days } дня
   *[other] { $days } дней
}
chart-unnamed = Сотрудник { $id }
chart-team-discipline = Дисциплина отдела
chart-discipline = { $value } %
chart-break-even-percent = в ноль: { $percent }
chart-scale = полоса от { $low } до { $high } за день
chart-apart = Мало оценённых дней
chart-more = { $count ->
    [one] и ещё { $count } человек
    [few] и ещё { $count } человека
   *[other] и ещё { $count } человек
}
chart-empty = Оценённых дней пока нет
chart-own-discipline = Дисциплина
chart-before = раньше { $percent }
chart-scored-days = оценено: { $days }
chart-day-points = Баллы за день
chart-day-points-team = Баллы за день на человека
chart-all-kept = все правила выполнены
chart-all-broken = все нарушены
chart-break-even = в ноль
chart-this = этот период
chart-period-before = прошлый период
chart-broken-times = нарушено: { $n } из { $total }
chart-days-of = { $days ->
    [one] { $days } дня
   *[other] { $days } дней
}
chart-kept = выполнено
chart-broken = нарушено
chart-broken-by = нарушили, человек
chart-excused = отсутствие
chart-unread = не прочитано

nameless = Без имени, № { $id }
