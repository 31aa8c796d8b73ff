# Показатели: название, слова, когда всё в порядке, слова для нуля, зачем правило. Один список для бота, картинок, таблицы и документов.

kpi-companies_added = Новые компании
kpi-meetings_held = Встречи
kpi-calls_held = Звонки
kpi-talk_minutes = Минуты разговора
kpi-missed_calls = Пропущенные звонки
kpi-deals_won = Выигранные сделки
kpi-won_amount = Сумма выигранных сделок
kpi-deals_lost = Проигранные сделки
kpi-lost_without_reason = Проиграно без причины
kpi-deals_open = Сделки в работе
kpi-overdue_tasks = Просроченные задачи
kpi-deals_without_task = Сделки без задач
kpi-deals_without_comment = Сделки без комментария
kpi-deals_missing_fields = Сделки с пустыми полями
kpi-stale_deals = Застрявшие сделки

fine-companies_added = компании { $value }
fine-meetings_held = встречи { $value }
fine-calls_held = звонки { $value }
fine-talk_minutes = минуты разговора { $value }
fine-missed_calls = пропущенные звонки: { $value }
fine-deals_won = выигранные сделки { $value }
fine-won_amount = выиграно { $value }
fine-deals_lost = проигранные сделки: { $value }
fine-lost_without_reason = без причины проигрыша: { $value }
fine-deals_open = сделки в работе { $value }
fine-overdue_tasks = просроченных задач: { $value }
fine-deals_without_task = сделок без задач: { $value }
fine-deals_without_comment = сделок без комментария: { $value }
fine-deals_missing_fields = сделок с пустыми полями: { $value }
fine-stale_deals = застрявших сделок: { $value }

none-overdue_tasks = просроченных задач нет
none-deals_without_task = сделок без задач нет
none-deals_without_comment = сделок без комментария нет
none-deals_missing_fields = сделок с пустыми полями нет
none-stale_deals = застрявших сделок нет
none-missed_calls = пропущенных звонков нет
none-deals_lost = проигранных сделок нет
none-lost_without_reason = все причины проигрыша указаны

why-companies_added = Новая компания сегодня – сделка через месяц
why-meetings_held = На встрече решают: без неё сделка чаще стоит на месте
why-calls_held = С разговора начинается каждая продажа
why-talk_minutes = Продаёт разговор, а не набранный номер
why-missed_calls = Кому не ответили, тот звонит другим
why-deals_won = Ради этого отдел и работает
why-won_amount = Из этих сумм складывается план отдела
why-deals_lost = Каждый потерянный клиент уже чего-то стоил
why-lost_without_reason = Без причины проигрыша не видно, что исправить
why-deals_open = Сделок в работе должно быть столько, сколько удаётся вести
why-overdue_tasks = Просроченная задача – обещание клиенту, которое не сдержали
why-deals_without_task = Сделка без следующего шага – потерянный клиент, который ещё украшает воронку
why-deals_without_comment = Без записей сделку не подхватит никто другой
why-deals_missing_fields = Пустые поля – отчёты, которым нельзя верить
why-stale_deals = Сделка, которая давно стоит на месте, обычно уже потеряна
