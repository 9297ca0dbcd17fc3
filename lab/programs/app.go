// The application under test: HTTP in front of a database, as in two of the incidents. What is wrong with it is told by flags;
// -fixed takes it away. Prints the pool's statistics twice a second, one JSON object a line.
//
//	-story pool          every request asks the database something slow; the pool is small and nobody limits the waiting
//	-story sleep         every request sleeps 100 s, without any database
//	-story transaction   /update?id=N&map=nil returns early, after Begin and without Commit or Rollback
//	-story report        /report returns early, without rows.Close(): its connection never comes back; nothing limits the pool
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
)

var (
	driver = flag.String("driver", "mysql", "mysql or postgres")
	dsn    = flag.String("dsn", "", "data source")
	listen = flag.String("listen", ":8080", "address")
	most   = flag.Int("max", 5, "connections of the pool at most; 0: no limit, as in Go without a word")
	story  = flag.String("story", "pool", "pool, sleep, transaction or report")
	slow   = flag.String("slow", "SELECT SLEEP(0.25)", "the slow query")
	fixed  = flag.Bool("fixed", false, "without the fault")
)

// More requests at once than this are turned away, when fixed.
var room = make(chan struct{}, 100)

func main() {
	flag.Parse()
	log.SetOutput(os.Stderr)
	var db *sql.DB
	if *story != "sleep" {
		var err error
		if db, err = sql.Open(*driver, *dsn); err != nil {
			log.Fatal(err)
		}
		db.SetMaxOpenConns(*most)
		if *story == "pool" {
			db.SetMaxIdleConns(*most)
		}
		go tell(db)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/query", func(w http.ResponseWriter, r *http.Request) { query(db, w, r) })
	http.HandleFunc("/update", func(w http.ResponseWriter, r *http.Request) { update(db, w, r) })
	http.HandleFunc("/report", func(w http.ResponseWriter, r *http.Request) { report(db, w, r) })
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func tell(db *sql.DB) {
	for range time.Tick(500 * time.Millisecond) {
		s := db.Stats()
		line, _ := json.Marshal(map[string]any{
			"max": s.MaxOpenConnections, "open": s.OpenConnections, "inUse": s.InUse, "idle": s.Idle,
			"waitCount": s.WaitCount, "waitMs": s.WaitDuration.Milliseconds(),
		})
		fmt.Println(string(line))
	}
}

func query(db *sql.DB, w http.ResponseWriter, r *http.Request) {
	if *story == "sleep" {
		if !*fixed {
			time.Sleep(100 * time.Second)
		}
		fmt.Fprintln(w, "slept")
		return
	}
	// The fault: the query goes on although its client has left, and waits for the pool without a limit.
	ctx := context.Background()
	if *fixed {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		limited, cancel := context.WithTimeout(r.Context(), 800*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	rows, err := db.QueryContext(ctx, *slow)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	rows.Close()
	fmt.Fprintln(w, "done")
}

func update(db *sql.DB, w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.URL.Query().Get("id"))
	if err != nil {
		http.Error(w, "id?", http.StatusBadRequest)
		return
	}
	tx, err := db.Begin()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if *fixed {
		defer tx.Rollback() // does nothing after Commit
	}
	if _, err := tx.Exec(fmt.Sprintf("UPDATE orders SET state='paid' WHERE id=%d", id)); err != nil {
		tx.Rollback()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.URL.Query().Get("map") == "nil" {
		fmt.Fprintln(w, "nothing to do") // the early return of the incident
		return
	}
	if err := tx.Commit(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "paid")
}

func report(db *sql.DB, w http.ResponseWriter, r *http.Request) {
	rows, err := db.QueryContext(context.Background(), "SELECT id, state FROM orders")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if *fixed {
		defer rows.Close()
	}
	for rows.Next() {
		var id int
		var state string
		if err := rows.Scan(&id, &state); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if state == "new" {
			fmt.Fprintln(w, "some are still open") // the early return: rows are neither read to their end nor closed
			return
		}
	}
	fmt.Fprintln(w, "all paid")
}
