# Показатели: название, слова, когда всё в порядке, слова для нуля. Один список для бота, картинок, таблицы и документов.

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
