using System.Collections.Generic;
using System.IO;
using System.Web;
using System.Web.Script.Serialization;

/// <summary>The texts of the examination, shared with the other demo sites (../content/exam.json).</summary>
public static class ExamContent
{
    static readonly Dictionary<string, object> all = Load();

    static Dictionary<string, object> Load()
    {
        string file = Path.Combine(HttpRuntime.AppDomainAppPath, "../content/exam.json");
        return new JavaScriptSerializer { MaxJsonLength = 1 << 22 }.Deserialize<Dictionary<string, object>>(File.ReadAllText(file));
    }

    public static string University { get { return (string)all["university"]; } }

    public static Dictionary<string, object> Exam { get { return (Dictionary<string, object>)all["exam"]; } }

    public static System.Collections.ArrayList Questions { get { return (System.Collections.ArrayList)all["questions"]; } }

    /// <param name="number">from 1.</param>
    public static Dictionary<string, object> Question(int number)
    {
        if (number < 1 || number > Questions.Count)
            throw new HttpException(404, "There is no such question.");
        return (Dictionary<string, object>)Questions[number - 1];
    }

    /// <summary>The candidate with this name and password, or null.</summary>
    public static Dictionary<string, object> Candidate(string name, string password)
    {
        foreach (Dictionary<string, object> candidate in (System.Collections.ArrayList)all["candidates"])
            if ((string)candidate["name"] == name && (string)candidate["password"] == password)
                return candidate;
        return null;
    }
}
